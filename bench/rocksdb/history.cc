#include "history.h"

#include <algorithm>
#include <limits>

namespace bench {
namespace {

constexpr int64_t kNoBound = std::numeric_limits<int64_t>::max();
constexpr uint64_t kJoinRows = 1024;  // of a piece: its arrays stay in the cache

}  // namespace

std::vector<uint32_t> widths_of(const Workload& workload) {
  std::vector<uint32_t> out;
  for (const ColumnInfo& column : workload.columns()) out.push_back(column.width);
  return out;
}

void show(const Arrays& arrays, const std::vector<int64_t>& offsets, Answer* answer) {
  answer->rows = offsets.size() - 1;
  answer->offsets = offsets.data();
  answer->row_numbers = nullptr;
  answer->columns.clear();
  for (size_t i = 0; i < arrays.count(); ++i) answer->columns.push_back({arrays.at(i, 0), arrays.width(i)});
}

Reader::Reader(const Workload& workload, History* history) : history_(history), widths_(widths_of(workload)) {
  for (size_t i = 0; i < workload.columns().size(); ++i) {
    if (workload.columns()[i].name == "type" && workload.columns()[i].width == 1) type_column_ = static_cast<int>(i);
  }
}

void Reader::read(const Question& question, Answer* answer) {
  history_->refresh();
  wanted_ = nullptr;
  if (!question.types.empty()) {
    wanted_room_.fill(false);
    for (const uint8_t type : question.types) wanted_room_[type] = true;
    wanted_ = &wanted_room_;
  }
  arrays_.begin(question.columns, widths_);
  offsets_.resize(question.rows + 1);
  uint64_t end = 0;
  for (uint64_t row = 0; row < question.rows; ++row) {
    const int64_t before = question.before != nullptr ? question.before[row] : kNoBound;
    const auto n = static_cast<uint64_t>(question.n);
    arrays_.reserve(end + n);
    uint64_t head = end + n;  // the row is filled from here backwards, then moved to its place if it is shorter
    history_->seek(question.users[row], before, wanted_);
    for (Chunk chunk; head > end && history_->older(head - end, &chunk);) fill(chunk, before, end, &head);
    if (head > end) arrays_.move(head, end + n - head, end);
    end += end + n - head;
    offsets_[row + 1] = static_cast<int64_t>(end);
  }
  show(arrays_, offsets_, answer);
}

void Reader::fill(const Chunk& chunk, int64_t before, uint64_t row_begin, uint64_t* head) {
  const uint64_t rows = before == kNoBound ? chunk.rows : chunk.rows_before(before);
  const uint64_t room = *head - row_begin;
  if (wanted_ == nullptr) {
    const uint64_t count = std::min(rows, room);
    *head -= count;
    arrays_.put(chunk, rows - count, rows, *head);
    return;
  }
  selected_.resize(rows + 1);  // one more: what the loop writes last may not count
  const Field types = chunk.columns[type_column_];
  uint64_t count = 0;
  for (uint64_t row = rows; row-- > 0 && count < room;) {
    selected_[count] = static_cast<uint32_t>(row);
    count += (*wanted_)[*types.at(row)];
  }
  arrays_.put_selected(chunk, selected_.data(), count, *head);
  *head -= count;
}

Join::Join(const Workload& workload, History* history) : history_(history), widths_(widths_of(workload)) {}

void Join::begin(const Question& question) {
  history_->refresh();
  question_ = question;
  done_ = 0;
  started_ = false;
  order_.resize(question.rows);
  for (uint64_t row = 0; row < question.rows; ++row) order_[row] = row;
  std::sort(order_.begin(), order_.end(), [&](uint64_t a, uint64_t b) {
    if (question.users[a] != question.users[b]) return question.users[a] < question.users[b];
    return question.before[a] > question.before[b];
  });
  std::vector<int> columns = question.columns;
  time_at_ = static_cast<size_t>(std::find(columns.begin(), columns.end(), -1) - columns.begin());
  out_.begin(columns, widths_);
  if (time_at_ == columns.size()) columns.push_back(-1);
  window_.begin(columns, widths_);
}

void Join::next(Answer* answer) {
  const uint64_t rows = std::min(kJoinRows, question_.rows - done_);
  const auto n = static_cast<uint64_t>(question_.n);
  offsets_.resize(rows + 1);
  uint64_t end = 0;
  for (uint64_t i = 0; i < rows; ++i) {
    const uint64_t label = order_[done_ + i];
    move_window(question_.users[label], question_.before[label]);
    const uint64_t count = std::min(n, high_ - low_);
    out_.reserve(end + count);
    out_.copy(window_, high_ - count, count, end);
    end += count;
    offsets_[i + 1] = static_cast<int64_t>(end);
  }
  show(out_, offsets_, answer);
  answer->row_numbers = order_.data() + done_;
  done_ += rows;
}

void Join::move_window(uint64_t user, int64_t before) {
  const auto n = static_cast<uint64_t>(question_.n);
  if (started_ && user == user_) {
    // Moments only go back, so what is newer is of no more use.
    uint64_t low = low_;
    while (low < high_) {
      const uint64_t middle = (low + high_) / 2;
      if (window_time(middle) < before)
        low = middle + 1;
      else
        high_ = middle;
    }
  }
  if (!started_ || user != user_ || (high_ == low_ && !exhausted_)) {
    low_ = high_ = window_.capacity();
    started_ = true;
    exhausted_ = false;
    user_ = user;
    history_->seek(user, before, nullptr);
  }
  while (high_ - low_ < n && !exhausted_) {
    Chunk chunk;
    exhausted_ = !history_->older(n - (high_ - low_), &chunk);
    if (exhausted_) break;
    if (high_ == low_) chunk.rows = chunk.rows_before(before);
    extend_window(chunk);
  }
}

void Join::extend_window(const Chunk& chunk) {
  if (low_ < chunk.rows) {
    const uint64_t held = high_ - low_;
    window_.reserve(2 * (held + chunk.rows));
    window_.move(low_, held, window_.capacity() - held);
    high_ = window_.capacity();
    low_ = high_ - held;
  }
  low_ -= chunk.rows;
  window_.put(chunk, 0, chunk.rows, low_);
}

}  // namespace bench
