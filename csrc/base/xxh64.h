// XXH64, a fast 64-bit hash: for checksums of what a read returned, not for files (crc32c.h finds every small error)
// and not against an adversary.
//
// Source: the xxHash specification, https://github.com/Cyan4973/xxHash/blob/dev/doc/xxhash_spec.md, section "XXH64".
#pragma once

#include <cstdint>

#include "base/bytes.h"

namespace tsfeat {

uint64_t xxh64(Bytes data, uint64_t seed);

}  // namespace tsfeat
