// Zstandard frames (RFC 8878). The library is linked statically; used only through these two functions.
#pragma once

#include <string>

#include "base/bytes.h"
#include "base/status.h"

namespace tsfeat::codec {

// Appends one frame.
void zstd_compress(Bytes plain, std::string* out);
// `plain_size` is what the caller's header declared; a frame of another size is corruption.
Result<std::string> zstd_decompress(Bytes frame, size_t plain_size);

}  // namespace tsfeat::codec
