// How a source gets blocks that are not in the cache: through the cache, or past it into scratch of its own.
#pragma once

#include <cstdint>
#include <memory>

#include "base/bytes.h"
#include "base/status.h"
#include "run/run_file.h"

namespace tsfeat::run {

// Blocks are checked and plain: ready for decode_fixed, decode_varlen, Layout, DirectoryView. Serves one source.
class Blocks {
 public:
  virtual ~Blocks() = default;
  virtual Result<Bytes> header(uint32_t page) = 0;
  // Not an empty chunk. last_page: up to where the caller will want this chunk next; may be read in the same go.
  virtual Result<Bytes> chunk(uint32_t page, uint32_t chunk, uint32_t last_page) = 0;
  virtual Result<Bytes> directory(uint32_t block) = 0;
};

// Reads into the cache. What it returns stays valid while the caller's pin lives.
std::unique_ptr<Blocks> make_cached_blocks(const RunFile& run);
// Reads into scratch: a chunk stays valid until another page's same chunk is asked for; a header or a directory block
// until the next call.
std::unique_ptr<Blocks> make_scratch_blocks(const RunFile& run);

}  // namespace tsfeat::run
