// Events like the bench's standard workload, in the engine's own containers, for the microbenchmarks.
#pragma once

#include <cstdint>
#include <memory>

#include "memtable/memtable.h"
#include "run/run.h"
#include "vfs/vfs.h"

namespace bench {

std::shared_ptr<const tsfeat::Schema> sample_schema();
// `events` events in order of time, of users 0, 2, 4, ... (odd ones are unknown), each as often as the others. Events
// of different `part`s interleave in time.
std::shared_ptr<tsfeat::Memtable> sample_memtable(uint64_t users, uint64_t events, uint64_t part);
// The same in a file.
std::shared_ptr<tsfeat::Run> sample_run(tsfeat::Vfs& vfs, std::shared_ptr<tsfeat::BlockCache> cache, uint64_t users,
                                        uint64_t events, uint64_t part);

}  // namespace bench
