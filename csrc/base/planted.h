// Bugs planted on purpose, so that the tests can show that they would catch them.
//
// A release never contains any: without the CMake option TSFEAT_PLANT, planted() is the constant false and the compiler
// drops the branch. With it, the environment variable TSFEAT_PLANTED (names from kPlantNames, separated by commas) is
// read once, at the first call, and chooses which bugs are active in this process.
//
//   if (planted("flush")) { ... the bug ... }
//
// A name that is not in kPlantNames does not compile. Thread-safe.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>
#include <vector>

namespace tsfeat {

inline constexpr std::array<std::string_view, 38> kPlantNames = {
    "flush",
    "compaction",
    "recovery",
    "retention",
    "version",
    "late",
    "cutoff",
    "log_sync",
    "run_sync",
    "manifest_sync",
    "directory_sync",
    "run_name",
    "early_acknowledge",
    "early_rename",
    "log_checksum",
    "index_checksum",
    "chunk_checksum",
    "directory_checksum",
    "manifest_checksum",
    "bloom_checksum",
    "log_tail",
    "replay",
    "erasure",
    "tombstones",
    "ties",
    "age",
    "position",
    "early_position",
    "early_version",
    "category",
    "poison",
    "descriptor",
    "orphan",
    "checkpoint",
    "refresh",
    "cache",
    "bloom",
    "hot",
};

static_assert(kPlantNames.size() <= 64, "the mask has 64 bits");

// Index into kPlantNames, found at compile time.
struct PlantName {
  std::size_t index = 0;

  template <std::size_t size>
  consteval PlantName(const char (&name)[size]) {  // implicit: call sites say planted("flush")
    const std::string_view wanted(name, size - 1);
    while (kPlantNames.at(index) != wanted) ++index;
  }
};

#ifdef TSFEAT_PLANT

// Bit i is set when kPlantNames[i] is active. An unknown name ends the process: a typo must not pass for a bug that
// nothing caught.
inline std::uint64_t parse_planted(std::string_view text) {
  std::uint64_t mask = 0;
  while (!text.empty()) {
    const std::string_view name = text.substr(0, text.find(','));
    text.remove_prefix(name.size() == text.size() ? name.size() : name.size() + 1);
    std::size_t index = 0;
    while (index < kPlantNames.size() && kPlantNames[index] != name) ++index;
    if (index == kPlantNames.size()) std::abort();
    mask |= std::uint64_t{1} << index;
  }
  return mask;
}

inline std::uint64_t planted_mask() {
  static const std::uint64_t mask = [] {
    const char* text = std::getenv("TSFEAT_PLANTED");
    return parse_planted(text == nullptr ? "" : text);
  }();
  return mask;
}

inline bool planted(PlantName name) { return ((planted_mask() >> name.index) & 1U) != 0; }

#else

constexpr std::uint64_t planted_mask() { return 0; }

consteval bool planted(PlantName) { return false; }  // so that not even a build without optimization holds a branch

#endif

// Names of the active bugs, for `_core.BUILD_FLAGS`; empty in a release.
inline std::vector<std::string_view> planted_names() {
  std::vector<std::string_view> names;
  for (std::size_t i = 0; i < kPlantNames.size(); ++i) {
    if (((planted_mask() >> i) & 1U) != 0) names.push_back(kPlantNames[i]);
  }
  return names;
}

}  // namespace tsfeat
