#include "vfs/memory_tree.h"

#include <algorithm>
#include <cerrno>
#include <functional>
#include <string_view>
#include <unordered_map>

namespace tsfeat::memory_internal {
namespace {

constexpr size_t kMaxNameBytes = 255;

Status error(int number, const std::string& path) { return Status::storage(number, "cannot use the path " + path); }

// The parts between the slashes; "." and nothing are left out.
std::vector<std::string> split(std::string_view path) {
  std::vector<std::string> parts;
  while (!path.empty()) {
    const size_t end = std::min(path.find('/'), path.size());
    if (end > 0 && path.substr(0, end) != ".") parts.emplace_back(path.substr(0, end));
    path.remove_prefix(std::min(end + 1, path.size()));
  }
  return parts;
}

using Entries = std::map<std::string, Entry>;

void set(Entries& entries, const std::string& name, const Entry& entry) {
  if (entry.exists())
    entries[name] = entry;
  else
    entries.erase(name);
}

}  // namespace

MemoryTree::MemoryTree() { directories_.push_back(std::make_unique<Directory>()); }

Result<Place> MemoryTree::find(const std::string& path) const {
  if (path.empty()) return error(ENOENT, path);
  if (path.find('\0') != std::string::npos) return error(EINVAL, path.c_str());
  Place place;
  place.entry.directory = directories_.front().get();
  for (std::string& name : split(path)) {
    if (name == "..") return error(EINVAL, path);  // no caller needs it, so it can only be a mistake
    if (name.size() > kMaxNameBytes) return error(ENAMETOOLONG, path);
    if (place.entry.file != nullptr) return error(ENOTDIR, path);
    if (!place.entry.exists()) return error(ENOENT, path);
    place.directory = place.entry.directory;
    const auto found = place.directory->now.find(name);
    place.entry = found == place.directory->now.end() ? Entry{} : found->second;
    place.name = std::move(name);
  }
  return place;
}

Result<Directory*> MemoryTree::find_directory(const std::string& path) const {
  TSFEAT_ASSIGN(const Place place, find(path));
  if (!place.entry.exists()) return error(ENOENT, path);
  if (place.entry.directory == nullptr) return error(ENOTDIR, path);
  return place.entry.directory;
}

void MemoryTree::apply(Operation operation) {
  for (const Change& change : operation) set(change.directory->now, change.name, change.entry);
  pending_.push_back(std::move(operation));
}

void MemoryTree::add(const Place& place, std::shared_ptr<MemoryFile> file) {
  apply({{place.directory, place.name, {std::move(file), nullptr}}});
}

void MemoryTree::add_directory(const Place& place) {
  directories_.push_back(std::make_unique<Directory>());
  apply({{place.directory, place.name, {nullptr, directories_.back().get()}}});
}

void MemoryTree::remove(const Place& place) { apply({{place.directory, place.name, {}}}); }

void MemoryTree::rename(const Place& from, const Place& to) {
  apply({{from.directory, from.name, {}}, {to.directory, to.name, from.entry}});
}

template <typename Wants>
std::vector<bool> MemoryTree::choose(Wants wants) const {
  std::vector<bool> chosen(pending_.size(), false);
  Names needed;
  for (size_t i = pending_.size(); i-- > 0;) {
    const Operation& operation = pending_[i];
    const bool needs = std::any_of(operation.begin(), operation.end(), [&](const Change& change) {
      return needed.contains({change.directory, change.name});
    });
    chosen[i] = wants(operation) || needs;
    if (!chosen[i]) continue;
    for (const Change& change : operation) needed.insert({change.directory, change.name});
  }
  return chosen;
}

void MemoryTree::sync(const Directory* directory) {
  make_durable(choose([directory](const Operation& operation) {
    return std::any_of(operation.begin(), operation.end(),
                       [directory](const Change& change) { return change.directory == directory; });
  }));
}

void MemoryTree::sync_name(const Place& place) {
  make_durable(choose([&place](const Operation& operation) {
    return std::any_of(operation.begin(), operation.end(), [&place](const Change& change) {
      return change.directory == place.directory && change.name == place.name;
    });
  }));
}

void MemoryTree::make_durable(const std::vector<bool>& chosen) {
  std::vector<Operation> rest;
  for (size_t i = 0; i < pending_.size(); ++i) {
    if (!chosen[i]) {
      rest.push_back(std::move(pending_[i]));
      continue;
    }
    for (const Change& change : pending_[i]) set(change.directory->durable, change.name, change.entry);
  }
  pending_ = std::move(rest);
}

std::unique_ptr<MemoryTree> MemoryTree::survivor(Survival survival, Random& random) const {
  const Odds odds(survival, random);
  const std::vector<bool> chosen = choose([&](const Operation& operation) {
    if (survival == Survival::kNewest) return &operation == &pending_.back();
    if (survival == Survival::kOldest) return &operation == &pending_.front();
    return random.chance(odds.names);
  });
  std::unordered_map<const Directory*, Entries> names;
  for (const auto& directory : directories_) names[directory.get()] = directory->durable;
  for (size_t i = 0; i < pending_.size(); ++i) {
    if (!chosen[i]) continue;
    for (const Change& change : pending_[i]) set(names[change.directory], change.name, change.entry);
  }

  auto tree = std::make_unique<MemoryTree>();
  std::unordered_map<const MemoryFile*, std::shared_ptr<MemoryFile>> files;  // two names of one file stay so
  const std::function<void(const Directory*, Directory*)> copy = [&](const Directory* from, Directory* to) {
    for (const auto& [name, entry] : names[from]) {
      Entry copied;
      if (entry.directory != nullptr) {
        copied.directory = tree->directories_.emplace_back(std::make_unique<Directory>()).get();
        copy(entry.directory, copied.directory);
      } else {
        copied.file = files[entry.file.get()];
        if (copied.file == nullptr) copied.file = std::make_shared<MemoryFile>(entry.file->survivor(odds, random));
        files[entry.file.get()] = copied.file;
      }
      to->now[name] = copied;
    }
    to->durable = to->now;
  };
  copy(directories_.front().get(), tree->directories_.front().get());
  return tree;
}

std::unique_ptr<MemoryTree> MemoryTree::copy() const {
  auto tree = std::make_unique<MemoryTree>();
  std::unordered_map<const Directory*, Directory*> directories{
      {directories_.front().get(), tree->directories_.front().get()}};
  for (size_t i = 1; i < directories_.size(); ++i) {
    directories[directories_[i].get()] = tree->directories_.emplace_back(std::make_unique<Directory>()).get();
  }
  std::unordered_map<const MemoryFile*, std::shared_ptr<MemoryFile>> files;
  const auto entry_of = [&](const Entry& entry) {
    Entry copied;
    if (entry.directory != nullptr) copied.directory = directories.at(entry.directory);
    if (entry.file == nullptr) return copied;
    copied.file = files[entry.file.get()];
    if (copied.file == nullptr) files[entry.file.get()] = copied.file = std::make_shared<MemoryFile>(*entry.file);
    return copied;
  };
  for (const auto& directory : directories_) {
    Directory* const target = directories.at(directory.get());
    for (const auto& [name, entry] : directory->now) target->now[name] = entry_of(entry);
    for (const auto& [name, entry] : directory->durable) target->durable[name] = entry_of(entry);
  }
  for (const Operation& operation : pending_) {
    Operation& copied = tree->pending_.emplace_back();
    for (const Change& change : operation) {
      copied.push_back({directories.at(change.directory), change.name, entry_of(change.entry)});
    }
  }
  return tree;
}

std::map<std::string, std::string> MemoryTree::files() const {
  std::map<std::string, std::string> all;
  const std::function<void(const Directory&, const std::string&)> collect = [&](const Directory& from,
                                                                                const std::string& path) {
    for (const auto& [name, entry] : from.now) {
      if (entry.directory != nullptr)
        collect(*entry.directory, path + "/" + name);
      else
        all[path + "/" + name] = entry.file->now().all();
    }
  };
  collect(*directories_.front(), "");
  return all;
}

}  // namespace tsfeat::memory_internal
