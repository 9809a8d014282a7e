#include "codec/zstd.h"

#include <cstddef>
#include <memory>
#include <new>

// The archive we link ships no zstd header; these prototypes are part of zstd's stable interface since 1.0.
extern "C" {
struct ZSTD_CCtx_s;
ZSTD_CCtx_s* ZSTD_createCCtx(void);
size_t ZSTD_freeCCtx(ZSTD_CCtx_s* context);
size_t ZSTD_compressCCtx(ZSTD_CCtx_s* context, void* target, size_t target_size, const void* source, size_t source_size,
                         int level);
struct ZSTD_DCtx_s;
ZSTD_DCtx_s* ZSTD_createDCtx(void);
size_t ZSTD_freeDCtx(ZSTD_DCtx_s* context);
size_t ZSTD_decompressDCtx(ZSTD_DCtx_s* context, void* target, size_t target_size, const void* source,
                           size_t frame_size);
size_t ZSTD_compressBound(size_t source_size);
unsigned ZSTD_isError(size_t code);
}

namespace tsfeat::codec {

namespace {
// Chunks are a few KiB: a higher level costs compaction time and finds nothing more in so short a window.
constexpr int kLevel = 3;

struct FreeContext {
  void operator()(ZSTD_CCtx_s* context) const { ZSTD_freeCCtx(context); }
  void operator()(ZSTD_DCtx_s* context) const { ZSTD_freeDCtx(context); }
};

// One for each thread and direction: making one costs as much as a chunk does. The bytes do not depend on its past.
template <typename Context>
Context* thread_context(Context* (*create)()) {
  thread_local const std::unique_ptr<Context, FreeContext> context(create());
  if (context == nullptr) throw std::bad_alloc();
  return context.get();
}

}  // namespace

void zstd_compress(Bytes plain, std::string* out) {
  const size_t before = out->size();
  const size_t bound = ZSTD_compressBound(plain.size());
  out->resize(before + bound);
  const size_t written = ZSTD_compressCCtx(thread_context(ZSTD_createCCtx), out->data() + before, bound, plain.data(),
                                           plain.size(), kLevel);
  // With a target of ZSTD_compressBound bytes only an allocation can fail.
  if (ZSTD_isError(written) != 0) throw std::bad_alloc();
  out->resize(before + written);
}

Result<std::string> zstd_decompress(Bytes frame, size_t plain_size) {
  std::string plain(plain_size, '\0');
  const size_t written =
      ZSTD_decompressDCtx(thread_context(ZSTD_createDCtx), plain.data(), plain.size(), frame.data(), frame.size());
  if (ZSTD_isError(written) != 0 || written != plain_size) {
    return Status::corruption("a zstd frame is damaged: it does not decompress to the " + std::to_string(plain_size) +
                              " bytes that its chunk declares");
  }
  return plain;
}

}  // namespace tsfeat::codec
