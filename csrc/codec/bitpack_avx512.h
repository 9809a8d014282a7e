// Unpacking with AVX-512 VBMI. It changes nothing but the speed: same contract as `unpack`, same bits.
#pragma once

#include "codec/bitpack.h"

namespace tsfeat::codec {

// Null if this processor has no AVX-512 VBMI.
template <typename T>
Unpack<T> avx512_unpack();

}  // namespace tsfeat::codec
