#include "compact/job.h"

#include <algorithm>
#include <map>

#include "base/planted.h"
#include "compact/hot_values.h"
#include "compact/picker.h"
#include "read/merge.h"

namespace tsfeat {
namespace {

constexpr size_t kMaxOpenWriters = 64;
constexpr uint64_t kKeysPerCheckpoint = 256;

// The run writers of one job, by window.
class Output {
 public:
  Output(Vfs& vfs, const MergeRequest& request) : vfs_(vfs), request_(request) {}
  ~Output() {
    // Unfinished: what cannot be removed now is an orphan, which the next open removes.
    for (const std::string& path : paths_) (void)vfs_.remove(path).ok();
  }

  Status append(const KeyView& key, const std::vector<Slice>& slices) {
    for (const Slice& slice : slices) TSFEAT_TRY(distribute(slice));
    for (Sink* sink : touched_) {
      TSFEAT_TRY(sink->writer->append(key, sink->pending));
      sink->pending.clear();
    }
    touched_.clear();
    return {};
  }

  uint64_t bytes() const {
    uint64_t total = 0;
    for (const auto& [window, sink] : sinks_) total += sink.writer->bytes();
    return total;
  }

  Result<std::vector<RunMeta>> finish() {
    std::vector<RunMeta> runs;
    for (auto& [window, sink] : sinks_) {
      TSFEAT_ASSIGN(RunMeta meta, sink.writer->finish());
      runs.push_back(meta);
    }
    paths_.clear();
    return runs;
  }

 private:
  struct Sink {
    std::unique_ptr<RunWriter> writer;
    std::vector<Slice> pending;  // of the key at hand
  };

  // Cuts a slice at the borders of windows.
  Status distribute(const Slice& slice) {
    if (!request_.window) return give(0, slice);
    RowRange rest = slice.rows;
    while (rest.size() > 0) {
      int64_t first = 0;
      TSFEAT_TRY(slice.source->times({rest.begin, rest.begin + 1}, &first));
      const int64_t window = window_of(first, *request_.window);
      int64_t border = 0;
      const bool last =
          __builtin_add_overflow(window, 1, &border) || __builtin_mul_overflow(border, *request_.window, &border);
      uint64_t end = rest.end;
      if (!last) {
        TSFEAT_ASSIGN(end, slice.source->seek(rest, border));
      }
      TSFEAT_TRY(give(window, {slice.source, {rest.begin, end}}));
      rest.begin = end;
    }
    return {};
  }

  Status give(int64_t window, const Slice& slice) {
    // Events strewn over very many windows (a broken clock) share a writer: windows are for expiry, not for
    // correctness.
    if (sinks_.size() >= kMaxOpenWriters && !sinks_.contains(window)) window = sinks_.begin()->first;
    Sink& sink = sinks_[window];
    if (sink.writer == nullptr) {
      const NewFile file = request_.new_file();
      paths_.push_back(file.path);
      TSFEAT_ASSIGN(sink.writer, RunWriter::create(vfs_, file.path, file.number, request_.schema, request_.run));
    }
    if (sink.pending.empty()) touched_.push_back(&sink);
    sink.pending.push_back(slice);
    return {};
  }

  Vfs& vfs_;
  const MergeRequest& request_;
  std::map<int64_t, Sink> sinks_;
  std::vector<Sink*> touched_;
  std::vector<std::string> paths_;
};

// An entry in so many events costs next to nothing.
constexpr uint64_t kEventsPerArrival = 128;

std::shared_ptr<const Arrivals> find_arrivals(std::span<Source* const> sources, uint64_t events) {
  std::vector<Arrival> known;
  for (const Source* source : sources) source->arrivals(&known);
  return std::make_shared<const Arrivals>(Arrivals::choose(std::move(known), events / kEventsPerArrival + 1));
}

// Events in all, over the windows that they are spread over.
uint64_t events_per_run(const MergeRequest& request, uint64_t events) {
  if (!request.window || events == 0) return events;
  SourceStats all;
  for (const auto& source : request.sources) {
    all.min_time = std::min(all.min_time, source->stats().min_time);
    all.max_time = std::max(all.max_time, source->stats().max_time);
  }
  const auto first = static_cast<uint64_t>(window_of(all.min_time, *request.window));
  const auto last = static_cast<uint64_t>(window_of(all.max_time, *request.window));
  return events / std::max<uint64_t>(1, last - first + 1);
}

}  // namespace

Result<MergeResult> merge_sources(Vfs& vfs, MergeRequest request) {
  MergeResult result;
  std::vector<Source*> sources;
  for (const auto& source : request.sources) {
    sources.push_back(source.get());
    result.events_in += source->stats().events;
  }
  TSFEAT_ASSIGN(request.run.hot, find_hot_values(*request.schema, sources, events_per_run(request, result.events_in)));
  request.run.arrivals = find_arrivals(sources, result.events_in);
  TSFEAT_ASSIGN(const std::unique_ptr<KeyMerge> merge, KeyMerge::create(sources));
  Reclaimer reclaimer(request.policy);
  Output output(vfs, request);
  std::vector<Slice> kept;
  uint64_t events_seen = 0;
  for (uint64_t keys = 1;; ++keys) {
    TSFEAT_ASSIGN(const bool more, merge->next());
    if (!more) break;
    for (const Slice& part : merge->parts()) events_seen += part.rows.size();
    kept.clear();
    TSFEAT_TRY(reclaimer.choose(merge->key(), merge->parts(), &kept));
    if (planted("compaction") && merge->parts().size() > 1 && !kept.empty()) kept.pop_back();
    if (planted("flush") && request.sources.size() == 1 && kept.size() == 1 && kept[0].rows.size() > 3)
      --kept[0].rows.end;
    TSFEAT_TRY(output.append(merge->key(), kept));
    if (request.checkpoint && keys % kKeysPerCheckpoint == 0) {
      const double share =
          static_cast<double>(events_seen) / static_cast<double>(std::max<uint64_t>(1, result.events_in));
      TSFEAT_TRY(request.checkpoint(share, output.bytes()));
    }
  }
  TSFEAT_ASSIGN(result.runs, output.finish());
  result.events_dropped = reclaimer.dropped_events();
  for (const RunMeta& run : result.runs) result.bytes_written += run.bytes;
  return result;
}

}  // namespace tsfeat
