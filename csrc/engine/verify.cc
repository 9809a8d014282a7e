// Reads and checks every byte of the store; raises nothing, reports all.

#include <cerrno>

#include "engine/store_core.h"

namespace tsfeat {
namespace {

void report(const std::string& file, uint64_t offset, const Status& status, VerifyReport* out) {
  out->problems.push_back({file, offset, status.message()});
}

}  // namespace

Result<VerifyReport> StoreCore::verify(const Progress& progress) {
  TSFEAT_TRY(check_open());
  VerifyReport out;
  std::vector<std::pair<std::string, std::shared_ptr<Run>>> runs;
  std::vector<uint64_t> logs;
  {
    const std::lock_guard manifest_lock(manifest_mutex);
    verify_manifest(&out);
    const std::lock_guard write_lock(write_mutex);
    for (const auto& table : all_tables()) {
      for (const auto state = table->published().state; const auto& run : state->runs)
        runs.emplace_back(table->name, run);
    }
    for (const SealedGeneration& generation : sealed_)
      logs.insert(logs.end(), generation.logs.begin(), generation.logs.end());
    if (writable)
      logs.push_back(log_number_);
    else
      for (const auto& [number, bytes] : replayed_bytes_) logs.push_back(number);
    const std::lock_guard files_lock(files_mutex_);
    ++pins_;
  }
  Status status;
  for (size_t i = 0; i < runs.size() && status.ok(); ++i) {
    verify_run(*runs[i].second, &out);
    const double done = static_cast<double>(i + 1) / static_cast<double>(runs.size() + logs.size());
    if (progress && !progress(done)) status = Status::closed("verify was stopped");
  }
  for (const uint64_t number : logs) verify_log(number, &out);
  unpin();
  if (!status.ok()) return status;
  return out;
}

void StoreCore::verify_manifest(VerifyReport* out) {
  const Result<Manifest> manifest = load_manifest(vfs, path);
  ++out->files;
  if (!manifest.ok()) report("MANIFEST", 0, manifest.status(), out);
}

void StoreCore::verify_run(Run& run, VerifyReport* out) {
  const std::string name = run_name(run.meta().number);
  std::vector<Run::Problem> problems;
  const Status status = run.verify(&problems);
  ++out->files;
  out->bytes += run.meta().bytes;
  out->events += run.meta().stats.events;
  for (Run::Problem& problem : problems) out->problems.push_back({name, problem.offset, std::move(problem.message)});
  if (!status.ok()) report(name, 0, status, out);
}

// The log that is being written is read with the write lock held, so that no half-written record is met.
void StoreCore::verify_log(uint64_t number, VerifyReport* out) {
  const std::unique_lock lock(write_mutex);
  const bool last =
      number == log_number_ || (!writable && !replayed_bytes_.empty() && number == replayed_bytes_.rbegin()->first);
  const Result<ReplayResult> result =
      replay_log(vfs, file_path(log_name(number)), number, 0, last, [](Bytes, uint64_t) { return Status{}; });
  ++out->files;
  if (!result.ok()) {
    // A reader's log may have been flushed and removed by the writer since it was listed: nothing is wrong.
    const bool gone = !writable && result.status().error_number() == ENOENT;
    if (!gone) report(log_name(number), 0, result.status(), out);
    return;
  }
  out->bytes += result->valid_bytes;
  if (result->torn && writable) {
    report(log_name(number), result->valid_bytes, Status::corruption("bytes behind the last record are not zero"), out);
  }
}

}  // namespace tsfeat
