#include "reliability/ordering.h"

#include <algorithm>

#include "wal/log.h"

namespace tsfeat::reliability {
namespace {

std::string directory_of(const std::string& path) { return path.substr(0, path.find_last_of('/')); }
std::string name_of(const std::string& path) { return path.substr(path.find_last_of('/') + 1); }

constexpr uint64_t kLogHeaderBytes = 512;  // its seals are hints, rewritten after each sync

bool names(const Manifest& manifest, const std::string& name) {
  if (const auto log = log_number(name)) return manifest.log_number != 0 && *log >= manifest.log_number;
  const auto run = run_number(name);
  if (!run) return false;
  return std::any_of(manifest.tables.begin(), manifest.tables.end(), [&](const TableRecord& table) {
    return std::any_of(table.runs.begin(), table.runs.end(), [&](const RunMeta& meta) { return meta.number == *run; });
  });
}

// A log behind the first one that counts, and without a whole record: what a crash left of its creation.
bool is_empty_log(Vfs& disk, const std::string& path, const Manifest& manifest) {
  const auto number = log_number(name_of(path));
  if (!number || *number == manifest.log_number) return false;
  const Result<ReplayResult> replayed =
      replay_log(disk, path, *number, 0, true, [](Bytes, uint64_t) { return Status{}; });
  return replayed.ok() && replayed->records == 0;
}

}  // namespace

Ordering::Ordering(Vfs& disk, std::string directory) : disk_(disk), directory_(std::move(directory)) {
  if (Result<Manifest> manifest = load_manifest(disk_, directory_); manifest.ok()) manifests_ = {std::move(*manifest)};
}

void Ordering::before(const Call& call) {
  if (call.kind == CallKind::kRemove) removed(call.path);
}

void Ordering::after(const Call& call, const Status& status) {
  if (!status.ok()) return;
  switch (call.kind) {
    case CallKind::kCreate:
      files_.try_emplace(call.path, FileState{true, false}).first->second.synced = false;
      return;
    case CallKind::kWrite:
      if (log_number(name_of(call.path)) && call.offset < kLogHeaderBytes && files_.contains(call.path) &&
          files_[call.path].synced && call.offset != 0) {
        return;
      }
      files_[call.path].synced = false;
      return;
    case CallKind::kAllocate:
    case CallKind::kTruncate:
      files_[call.path].synced = false;
      return;
    case CallKind::kSync:
      files_[call.path].synced = true;
      return;
    case CallKind::kLink:
      files_[call.to] = {files_[call.path].synced, false};
      return;
    case CallKind::kRename:
      files_[call.to] = {files_[call.path].synced, false};
      files_.erase(call.path);
      if (call.to == path_of("MANIFEST")) switched();
      return;
    case CallKind::kRemove:
      files_.erase(call.path);
      return;
    case CallKind::kSyncDirectory:
      for (auto& [path, file] : files_) {
        if (directory_of(path) == call.path) file.named = true;
      }
      if (call.path == directory_ && !manifests_.empty()) manifests_.erase(manifests_.begin(), manifests_.end() - 1);
      return;
    default:
      return;
  }
}

void Ordering::require(const std::string& path, const char* why) {
  const auto at = files_.find(path);
  if (at == files_.end()) return;
  if (!at->second.synced) violations_.push_back(path + " is not synced " + why);
  if (!at->second.named) violations_.push_back(path + " has no durable name " + why);
}

void Ordering::switched() {
  Result<Manifest> manifest = load_manifest(disk_, directory_);
  if (!manifest.ok()) {
    violations_.push_back("the new manifest cannot be read: " + manifest.status().message());
    return;
  }
  if (!files_[path_of("MANIFEST")].synced) violations_.push_back("MANIFEST is renamed before it is synced");
  for (const TableRecord& table : manifest->tables) {
    for (const RunMeta& run : table.runs) require(path_of(run_name(run.number)), "when a manifest names it");
  }
  if (manifest->log_number != 0) {
    for (const auto& [path, file] : files_) {
      const auto number = log_number(name_of(path));
      if (directory_of(path) == directory_ && number == manifest->log_number)
        if (!file.named) violations_.push_back(path + " has no durable name when a manifest names it");
    }
  }
  manifests_.push_back(std::move(*manifest));
}

void Ordering::removed(const std::string& path) {
  if (directory_of(path) != directory_) return;
  for (const Manifest& manifest : manifests_) {
    if (names(manifest, name_of(path)) && !is_empty_log(disk_, path, manifest))
      violations_.push_back(path + " is removed while a manifest that may come back names it");
  }
}

void Ordering::acknowledged() {
  if (manifests_.empty()) return;
  if (manifests_.size() > 1) violations_.push_back("MANIFEST has no durable name when a change is acknowledged");
  for (const auto& [path, file] : files_) {
    const auto number = log_number(name_of(path));
    const bool counts = number && manifests_.back().log_number != 0 && *number >= manifests_.back().log_number;
    if (counts && directory_of(path) == directory_) require(path, "when a change is acknowledged");
  }
}

}  // namespace tsfeat::reliability
