#include "compact/loader.h"

#include <algorithm>
#include <limits>

#include "compact/batch_source.h"
#include "compact/hot_values.h"

namespace tsfeat {

RunLoader::RunLoader(Vfs& vfs, std::shared_ptr<const Schema> schema, RunOptions options, NewFile file,
                     std::string table_name)
    : vfs_(vfs),
      schema_(std::move(schema)),
      options_(std::move(options)),
      file_(std::move(file)),
      table_name_(std::move(table_name)) {}

Status RunLoader::check_order(const Batch& batch) const {
  KeyView key = last_key_.view();
  int64_t time = last_time_;
  for (uint64_t row = 0; row < batch.rows; ++row) {
    const KeyView next = batch.key(row);
    const bool first = events_ == 0 && row == 0;
    if (!first && (next < key || (next == key && batch.times[row] < time))) {
      return Status::schema("table '" + table_name_ + "', row " + std::to_string(events_ + row) + ": its " +
                            (next < key ? "key" : "time") + " is less than that of the row before it; a load takes " +
                            "events sorted by ('" + schema_->key_name + "', '" + schema_->time_name +
                            "'): sort them, or append them");
    }
    key = next;
    time = batch.times[row];
  }
  return {};
}

Status RunLoader::start(BatchSource& first) {
  Source* const sources[] = {&first};
  TSFEAT_ASSIGN(options_.hot, find_hot_values(*schema_, sources, first.stats().events));
  TSFEAT_ASSIGN(writer_, RunWriter::create(vfs_, file_.path, file_.number, schema_, options_));
  return {};
}

Status RunLoader::add(const Batch& batch) {
  if (batch.rows == 0) return {};
  if (batch.rows > std::numeric_limits<uint32_t>::max() - events_)
    return Status::schema("table '" + table_name_ + "': a load has at most 4,294,967,295 events; load them in parts");
  TSFEAT_TRY(check_order(batch));
  BatchSource source(*schema_, batch);
  if (writer_ == nullptr) TSFEAT_TRY(start(source));
  const std::unique_ptr<KeyCursor> keys = source.walk();
  for (;;) {
    TSFEAT_ASSIGN(const bool more, keys->next());
    if (!more) break;
    const Slice slice{&source, keys->rows()};
    TSFEAT_TRY(writer_->append(keys->key(), {&slice, 1}));
  }
  TSFEAT_TRY(writer_->end_page());
  events_ += batch.rows;
  newest_time_ = std::max(newest_time_.value_or(kMinTime), source.stats().max_time);
  last_key_ = OwnedKey(batch.key(batch.rows - 1));
  last_time_ = batch.times[batch.rows - 1];
  return {};
}

Result<std::optional<RunMeta>> RunLoader::finish(uint64_t version) {
  if (writer_ == nullptr) return std::optional<RunMeta>();
  TSFEAT_ASSIGN(const RunMeta meta, writer_->finish(version));
  return std::optional<RunMeta>(meta);
}

}  // namespace tsfeat
