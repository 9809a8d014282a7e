// tsfeat's engine alone, with default options, driven as worker.h says: what its Python package adds is the difference
// from the bench's row "tsfeat".
#include "engine/store.h"

#include <algorithm>
#include <chrono>
#include <numeric>
#include <stdexcept>

#include "worker.h"

namespace bench {
namespace {

constexpr const char* kTable = "events";
constexpr uint64_t kJoinRows = 1024;  // as many as the bench asks for through Python

void check(const tsfeat::Status& status) {
  if (!status.ok()) throw std::runtime_error("tsfeat: " + status.message());
}
template <typename T>
T take(tsfeat::Result<T> result) {
  check(result.status());
  return std::move(*result);
}

tsfeat::Type type_of(const std::string& numpy_name) {
  using tsfeat::Type;
  static const std::pair<const char*, Type> known[] = {
      {"|b1", Type::kBool},   {"|i1", Type::kInt8},    {"<i2", Type::kInt16},  {"<i4", Type::kInt32},
      {"<i8", Type::kInt64},  {"|u1", Type::kUint8},   {"<u2", Type::kUint16}, {"<u4", Type::kUint32},
      {"<u8", Type::kUint64}, {"<f4", Type::kFloat32}, {"<f8", Type::kFloat64}};
  for (const auto& [name, type] : known) {
    if (numpy_name == name) return type;
  }
  if (numpy_name.starts_with("|S")) return Type::kString;
  throw std::runtime_error("no type for " + numpy_name);
}

tsfeat::Schema schema_of(const Workload& workload) {
  tsfeat::Schema schema;
  schema.key_name = "user";
  schema.key_type = tsfeat::KeyType::kUint64;
  schema.time_name = "ts";
  schema.unit = tsfeat::TimeUnit::kMillisecond;
  for (const ColumnInfo& info : workload.columns()) {
    tsfeat::Column& column = schema.columns.emplace_back();
    column.name = info.name;
    column.type = type_of(info.type_name);
  }
  return schema;
}

// Strings of a workload are padded with zeros to the same width.
struct Strings {
  std::vector<int64_t> offsets;
  std::string data;

  void set(const uint8_t* padded, uint32_t width, uint64_t rows) {
    offsets.assign(1, 0);
    data.clear();
    for (uint64_t row = 0; row < rows; ++row) {
      const char* text = reinterpret_cast<const char*>(padded + row * width);
      data.append(text, strnlen(text, width));
      offsets.push_back(static_cast<int64_t>(data.size()));
    }
  }
};

class Engine : public System {
 public:
  Engine(const Workload& workload, std::string directory)
      : schema_(schema_of(workload)), directory_(std::move(directory)), infos_(workload.columns()) {
    strings_.resize(infos_.size());
    append_.columns.resize(infos_.size());
    for (size_t i = 0; i < infos_.size(); ++i) {
      if (infos_[i].name == "type") type_column_ = static_cast<int>(i);
    }
  }

  void open() override {
    store_ = take(tsfeat::Store::open(*tsfeat::Vfs::posix(), *tsfeat::Clock::system(), directory_, true, {}));
    const std::vector<std::string> names = take(store_->tables());
    table_ = take(names.empty() ? store_->create_table(kTable, schema_, std::nullopt) : store_->table(kTable));
  }

  void close() override {
    if (store_) check(store_->close());
    table_.reset();
    store_.reset();
  }

  void append(const Events& events, bool sync) override {
    append_.rows = events.rows;
    append_.keys.view.fixed = reinterpret_cast<const uint8_t*>(events.users);
    append_.times = events.times;
    for (size_t i = 0; i < infos_.size(); ++i) {
      tsfeat::InputColumn& column = append_.columns[i];
      if (schema_.columns[i].type == tsfeat::Type::kString) {
        strings_[i].set(events.columns[i], infos_[i].width, events.rows);
        column.view.offsets = strings_[i].offsets.data();
        column.view.data = reinterpret_cast<const uint8_t*>(strings_[i].data.data());
        column.data_bytes = strings_[i].data.size();
      } else {
        column.view.fixed = events.columns[i];
      }
    }
    append_.sync = sync ? std::optional<bool>(true) : std::nullopt;
    take(table_->append(append_));
  }

  void finish() override {
    check(store_->compact(false, [](double) { return true; }));
  }

  void read(const Question& question, Answer* answer) override {
    tsfeat::View view = take(table_->view());
    request_.keys.clear();
    for (uint64_t row = 0; row < question.rows; ++row) {
      request_.keys.push_back(tsfeat::KeyView::from_uint64(question.users[row]));
    }
    request_.n.scalar = question.n;
    request_.before.rows = question.before;
    request_.columns = question.columns;
    request_.filter = nullptr;
    if (!question.types.empty()) {
      filter_.kind = tsfeat::FilterNode::Kind::kIn;
      filter_.column = type_column_;
      filter_.value_count = question.types.size();
      filter_.fixed.assign(question.types.begin(), question.types.end());
      request_.filter = &filter_;
    }
    result_ = take(tsfeat::read(view, request_));
    answer->rows = question.rows;
    answer->offsets = result_.offsets.data();
    answer->row_numbers = nullptr;
    show(question.columns, &result_.columns, answer);
  }

  void begin_scan(const std::vector<int>& columns) override {
    tsfeat::ScanRequest request;
    request.columns = columns;
    scan_columns_ = columns;
    scanner_ = take(tsfeat::Scanner::create(take(table_->view(true)), request));
  }

  void next_scan(Answer* answer) override {
    chunk_ = {};
    answer->rows = 0;
    if (!take(scanner_->next(&chunk_))) return;
    answer->rows = 1;
    chunk_offsets_[1] = static_cast<int64_t>(chunk_.rows);
    answer->offsets = chunk_offsets_;
    show(scan_columns_, &chunk_.columns, answer);
  }

  // Sorted by user, as through Python.
  void begin_join(const Question& question) override {
    join_ = question;
    join_done_ = 0;
    join_order_.resize(question.rows);
    std::iota(join_order_.begin(), join_order_.end(), 0);
    std::stable_sort(join_order_.begin(), join_order_.end(),
                     [&](uint64_t a, uint64_t b) { return question.users[a] < question.users[b]; });
  }

  void next_join(Answer* answer) override {
    Question part = join_;
    part.rows = std::min(kJoinRows, join_.rows - join_done_);
    answer->rows = 0;
    if (part.rows == 0) return;
    const uint64_t* const rows = join_order_.data() + join_done_;
    for (uint64_t i = 0; i < part.rows; ++i) {
      join_users_[i] = join_.users[rows[i]];
      join_before_[i] = join_.before[rows[i]];
    }
    part.users = join_users_;
    part.before = join_before_;
    read(part, answer);
    answer->row_numbers = rows;
    join_done_ += part.rows;
  }

  void make_plain(Answer* answer) override {
    padded_.assign(answer->columns.size(), {});
    for (size_t i = 0; i < answer->columns.size(); ++i) {
      if (answer->columns[i].data != nullptr || answer->events() == 0) continue;
      const uint32_t width = answer->columns[i].width;
      padded_[i].resize(answer->events() * width);
      const tsfeat::codec::VarlenBuffer& strings = *(*shown_)[i].varlen;
      for (size_t row = 0; row < answer->events(); ++row) {
        const auto begin = static_cast<size_t>(strings.offsets[row]),
                   end = static_cast<size_t>(strings.offsets[row + 1]);
        std::copy(strings.data.begin() + static_cast<ptrdiff_t>(begin),
                  strings.data.begin() + static_cast<ptrdiff_t>(end),
                  padded_[i].begin() + static_cast<ptrdiff_t>(row * width));
      }
      answer->columns[i].data = padded_[i].data();
    }
  }

  void release() override {
    result_ = {};
    chunk_ = {};
  }

 private:
  // Strings have no array of fixed width until make_plain().
  void show(const std::vector<int>& columns, std::vector<tsfeat::ColumnResult>* results, Answer* answer) {
    shown_ = results;
    answer->columns.clear();
    for (size_t i = 0; i < columns.size(); ++i) {
      const uint32_t width = columns[i] < 0 ? 8 : infos_[static_cast<size_t>(columns[i])].width;
      answer->columns.push_back({(*results)[i].fixed.data.get(), width});
    }
  }

  tsfeat::Schema schema_;
  std::string directory_;
  std::vector<ColumnInfo> infos_;
  int type_column_ = -1;
  std::shared_ptr<tsfeat::Store> store_;
  std::shared_ptr<tsfeat::Table> table_;

  tsfeat::AppendRequest append_;
  std::vector<Strings> strings_;

  tsfeat::ReadRequest request_;
  tsfeat::FilterNode filter_;
  tsfeat::ReadResult result_;
  Question join_;
  std::vector<uint64_t> join_order_;  // its rows
  uint64_t join_done_ = 0;
  uint64_t join_users_[kJoinRows];
  int64_t join_before_[kJoinRows];

  std::unique_ptr<tsfeat::Scanner> scanner_;
  std::vector<int> scan_columns_;
  tsfeat::ScanChunk chunk_;
  int64_t chunk_offsets_[2] = {};

  const std::vector<tsfeat::ColumnResult>* shown_ = nullptr;
  std::vector<std::vector<uint8_t>> padded_;
};

}  // namespace
}  // namespace bench

int main(int argc, char** argv) {
  return bench::serve(argc, argv, [](const bench::Workload& workload, const std::string& store, const std::string&) {
    return std::make_unique<bench::Engine>(workload, store);
  });
}
