// Sorted events straight into a run, batch after batch: what merge_sources (job.h) is for events that are in the store
// already. Memory is that of one batch and of the run's index.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "compact/job.h"
#include "run/run.h"
#include "schema/batch.h"

namespace tsfeat {

class RunLoader {
 public:
  // The file is made when the first event comes; `names` says what events are sorted by, for messages.
  RunLoader(Vfs& vfs, std::shared_ptr<const Schema> schema, RunOptions options, NewFile file, std::string table_name);

  // kSchema if an event comes before the one ahead of it in (key, time), naming its row, counted over all batches. The
  // batch's arrays are not needed afterwards.
  Status add(const Batch& batch);
  // Nothing is added any more: makes durable what can be.
  Status end_rows() { return writer_ == nullptr ? Status() : writer_->end_rows(); }
  // The run with this version of all events; nothing without events.
  Result<std::optional<RunMeta>> finish(uint64_t version);

  uint64_t events() const { return events_; }
  std::optional<int64_t> newest_time() const { return newest_time_; }
  const NewFile& file() const { return file_; }
  bool has_file() const { return writer_ != nullptr; }

 private:
  Status check_order(const Batch& batch) const;
  Status start(class BatchSource& first);

  Vfs& vfs_;
  const std::shared_ptr<const Schema> schema_;
  RunOptions options_;
  const NewFile file_;
  const std::string table_name_;
  std::unique_ptr<RunWriter> writer_;
  uint64_t events_ = 0;
  std::optional<int64_t> newest_time_;
  OwnedKey last_key_;  // with events_ > 0
  int64_t last_time_ = kMinTime;
};

}  // namespace tsfeat
