// Clock and MemoryDisk as Python holds them.
#pragma once

#include <memory>

#include "base/clock.h"
#include "vfs/fault.h"
#include "vfs/memory.h"

namespace tsfeat::bind {

struct PyClock {
  std::shared_ptr<const Clock> clock;
  std::shared_ptr<ManualClock> manual;  // the same one, if it can be set
};

// A disk in memory behind the faults that a test orders.
struct Disk {
  explicit Disk(std::unique_ptr<MemoryVfs> made) : memory(std::move(made)), fault(FaultVfs::create(memory.get())) {}
  std::unique_ptr<MemoryVfs> memory;
  std::unique_ptr<FaultVfs> fault;
};

struct PyDisk {
  std::shared_ptr<Disk> disk;
};

// What a store gets: the whole disk lives as long as its Vfs is in use.
inline std::shared_ptr<Vfs> vfs_of(const PyDisk& disk) { return {disk.disk, disk.disk->fault.get()}; }

}  // namespace tsfeat::bind
