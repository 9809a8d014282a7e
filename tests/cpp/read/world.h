// A random table: its events, spread over memtables and vector sources, and the slow, obvious reading of the laws to
// compare with.
#pragma once

#include <map>
#include <memory>
#include <vector>

#include "read/events.h"
#include "read/random_filter.h"
#include "read/read.h"

namespace tsfeat::testing {

struct WorldShape {
  uint64_t keys = 8;
  uint64_t versions = 12;
  uint64_t largest_batch = 60;
  uint64_t times = 60;  // events fall into [0, times), ...
  uint64_t drift = 4;   // ... which moves on so much with each version
  uint64_t vector_sources = 2;
  uint64_t memtables = 1;
  bool random_placement = false;  // of versions in sources; else older versions are in older sources
};

struct World {
  World(Random& random, const WorldShape& shape);

  View view() const;
  void erase(Random& random);  // of a random key, up to a random time, at the newest version

  // What law says that a row sees, before `since`, filter and n.
  std::vector<Event> visible(uint64_t key, uint64_t version, std::optional<int64_t> before) const;

  std::vector<Event> events;
  uint64_t version = 0;  // of views; some events may be newer
  int64_t now = 0;
  std::optional<Retention> retention;
  std::shared_ptr<const Tombstones> tombstones = Tombstones::none();
  std::shared_ptr<Helpers> helpers;  // of views; null: none

 private:
  Event random_event(Random& random, const WorldShape& shape, uint64_t of_version) const;
  struct Home {
    std::vector<Event> events;
    bool with_added = true;
    std::shared_ptr<void> memtable;  // of these events, if they live in one
  };
  static View::Sources open_sources(const std::vector<Home>& homes, uint64_t version);
  std::vector<Home> homes_;
};

// Column values of the events as a read must return them, as one readable line an event.
std::vector<std::string> lines_of(const std::vector<Event>& events, const std::vector<int>& columns);
std::vector<std::string> lines_of(const std::vector<ColumnResult>& results, uint64_t events,
                                  const std::vector<int>& columns);

}  // namespace tsfeat::testing
