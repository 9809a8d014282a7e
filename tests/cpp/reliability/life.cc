#include "reliability/life.h"

#include <array>

namespace tsfeat::reliability {

Habits habits_of(uint64_t workload) {
  Habits habits;
  switch (workload % 8) {
    case 1:
      habits.flush = 25;
      habits.compact = 12;
      break;
    case 2:
      habits.erase = 30;
      habits.compact_erase = 10;
      break;
    case 3:
      habits.retain = 25;
      habits.compact = 8;
      break;
    case 4:
      habits.create = 15;
      habits.drop = 10;
      habits.add_column = 15;
      break;
    case 5:
      habits.reopen = 30;
      break;
    case 6:
      habits.large_append = 25;
      habits.load = 12;
      habits.synced_quarters = 0;
      break;
    case 7:
      habits.checkpoint = 15;
      habits.synced_quarters = 2;
      break;
    default:
      break;
  }
  return habits;
}

Life::Life(Vfs& vfs, const Clock& clock, Oracle& oracle, uint64_t seed, const Habits& habits, std::string root)
    : vfs_(vfs), clock_(clock), oracle_(oracle), random_(seed), habits_(habits), root_(std::move(root)) {}

Life::~Life() = default;

Status Life::open() {
  doing_ = "open";
  return engine([&]() -> Status {
    TSFEAT_ASSIGN(store_, Store::open(vfs_, clock_, root_ + kStorePath, true, small_options()));
    return {};
  });
}

Status Life::close() {
  doing_ = "close";
  const Status status = engine([&] { return store_->close(); });
  store_.reset();
  return acknowledge(status);
}

Status Life::acknowledge(const Status& status) {
  if (!status.ok()) return status;
  oracle_.acknowledge();
  if (on_acknowledged) on_acknowledged();
  return {};
}

Status Life::change(Op op, const std::function<Status()>& act, bool durable) {
  oracle_.attempt(op);
  TSFEAT_TRY(engine(act));
  oracle_.returned();
  oracle_.sync_attempted();
  return durable ? acknowledge({}) : Status{};
}

const std::string* Life::any_table() {
  const auto& tables = oracle_.attempted().tables;
  if (tables.empty()) return nullptr;
  auto at = tables.begin();
  std::advance(at, static_cast<std::ptrdiff_t>(random_.below(tables.size())));
  picked_ = at->first;
  return &picked_;
}

// Mostly forward in time; some late, some at the very time of another.
Row Life::new_row() {
  const uint64_t way = random_.below(8);
  if (way > 1) time_ += static_cast<int64_t>(random_.below(4));
  const int64_t late = way == 0 ? static_cast<int64_t>(random_.below(200)) : 0;
  return {random_.below(9), time_ - late, oracle_.take_number()};
}

Status Life::create() {
  static constexpr std::array<const char*, 3> kNames = {"a", "b", "c"};
  Op op;
  op.kind = Kind::kCreate;
  op.table = kNames[random_.below(kNames.size())];
  if (oracle_.attempted().tables.contains(op.table)) return append(3);
  doing_ = "create_table";
  return change(op, [&] { return store_->create_table(op.table, events_schema(), std::nullopt).status(); }, true);
}

Status Life::append(uint64_t rows) {
  const std::string* const name = any_table();
  if (name == nullptr) return create();
  doing_ = "append";
  Op op;
  op.table = *name;
  op.batch.sync = random_.chance(habits_.synced_quarters);
  for (uint64_t i = 0; i < rows; ++i) op.batch.rows.push_back(new_row());
  if (random_.chance(1)) {
    op.batch.source = kSources[random_.below(kSources.size())];
    op.batch.position = static_cast<int64_t>(oracle_.take_number());
  }
  TSFEAT_ASSIGN(const std::shared_ptr<Table> table, store_->table(op.table));
  const bool added = oracle_.attempted().tables.at(op.table).first_added.has_value();
  return change(op, [&] { return reliability::append(*table, op.batch, added).status(); }, op.batch.sync);
}

// A bulk load is an append that is durable when it returns.
Status Life::load(uint64_t rows) {
  const std::string* const name = any_table();
  if (name == nullptr) return create();
  doing_ = "load";
  Op op;
  op.table = *name;
  for (uint64_t i = 0; i < rows; ++i) op.batch.rows.push_back(new_row());
  TSFEAT_ASSIGN(const std::shared_ptr<Table> table, store_->table(op.table));
  const bool added = oracle_.attempted().tables.at(op.table).first_added.has_value();
  return change(op, [&] { return bulk_load(*table, op.batch.rows, added).status(); }, true);
}

Status Life::erase() {
  const std::string* const name = any_table();
  if (name == nullptr) return create();
  doing_ = "delete";
  Op op;
  op.kind = Kind::kErase;
  op.table = *name;
  op.key = random_.below(9);
  if (random_.chance(2)) op.before = time_ - static_cast<int64_t>(random_.below(100));
  TSFEAT_ASSIGN(const std::shared_ptr<Table> table, store_->table(op.table));
  PerRow<int64_t> before;
  before.scalar = op.before;
  return change(op, [&] { return table->erase({KeyView::from_uint64(op.key)}, before).status(); }, true);
}

Status Life::on_table(Kind kind) {
  const std::string* const name = any_table();
  if (name == nullptr) return create();
  const TableModel& model = oracle_.attempted().tables.at(*name);
  Op op;
  op.kind = kind;
  op.table = *name;
  op.first_added = oracle_.next_number();
  if (kind == Kind::kAddColumn && model.first_added) return append(2);
  if (random_.chance(3)) op.max_age = 50 + static_cast<int64_t>(random_.below(300));
  TSFEAT_ASSIGN(const std::shared_ptr<Table> table, store_->table(op.table));
  const auto act = [&]() -> Status {
    if (kind == Kind::kDrop) return store_->drop_table(op.table);
    if (kind == Kind::kAddColumn) return table->add_column(added_column());
    std::optional<Retention> retention;
    if (op.max_age) retention = Retention{op.max_age, std::nullopt, 0, 0, true};
    return table->set_retention(retention);
  };
  doing_ = kind == Kind::kDrop ? "drop_table" : kind == Kind::kAddColumn ? "add_column" : "set_retention";
  return change(op, act, true);
}

Status Life::take_checkpoint() {
  doing_ = "checkpoint";
  if (checkpoints_ == 3) return append(4);  // they stay: a few are enough
  ++checkpoints_;
  const std::string path = root_ + "copy" + std::to_string(oracle_.take_number());
  TSFEAT_TRY(engine([&] { return store_->checkpoint(path); }));
  Oracle content = oracle_;
  content.settle_all();
  checkpoint_ = Checkpoint{path, std::move(content)};
  return {};
}

// What changes nothing that the store says, and makes all that was before durable.
Status Life::keep(const char* doing, const std::function<Status()>& act) {
  doing_ = doing;
  return acknowledge(engine(act));
}

Status Life::reopen() {
  TSFEAT_TRY(close());
  return open();
}

// A reader sees what the writer does, also what is not durable.
Status Life::follow() {
  doing_ = "refresh";
  TSFEAT_TRY(engine([&]() -> Status {
    if (reader_ != nullptr) return reader_->refresh();
    TSFEAT_ASSIGN(reader_, Store::open(vfs_, clock_, root_ + kStorePath, false, small_options()));
    return {};
  }));
  const Verdict verdict = oracle_.judge(*reader_, true, random_);
  if (verdict.kind == Verdict::Kind::kRight) return {};
  return Status::corruption("a reader is not where the writer is: " + verdict.why);
}

Status Life::step() {
  if (store_ == nullptr) return open();
  const std::array<std::pair<uint64_t, std::function<Status()>>, 15> choices = {{
      {habits_.append, [&] { return append(1 + random_.below(9)); }},
      {habits_.large_append, [&] { return append(60 + random_.below(60)); }},
      {habits_.empty_append, [&] { return append(0); }},
      {habits_.load, [&] { return load(random_.below(50)); }},
      {habits_.erase, [&] { return erase(); }},
      {habits_.create, [&] { return create(); }},
      {habits_.drop, [&] { return on_table(Kind::kDrop); }},
      {habits_.add_column, [&] { return on_table(Kind::kAddColumn); }},
      {habits_.retain, [&] { return on_table(Kind::kRetain); }},
      {habits_.flush, [&] { return keep("flush", [&] { return store_->flush(); }); }},
      {habits_.compact, [&] { return keep("compact", [&] { return store_->compact(false, {}); }); }},
      {habits_.compact_erase, [&] { return keep("compact(erase)", [&] { return store_->compact(true, {}); }); }},
      {habits_.checkpoint, [&] { return take_checkpoint(); }},
      {habits_.reopen, [&] { return reopen(); }},
      {habits_.follow, [&] { return follow(); }},
  }};
  uint64_t all = 0;
  for (const auto& [weight, act] : choices) all += weight;
  uint64_t drawn = random_.below(all);
  for (const auto& [weight, act] : choices) {
    if (drawn < weight) return act();
    drawn -= weight;
  }
  return {};
}

}  // namespace tsfeat::reliability
