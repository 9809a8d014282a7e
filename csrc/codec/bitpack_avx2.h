// The AVX2 forms of the group kernels. They change nothing but the speed: same contract, same bits.
#pragma once

#include "codec/bitpack.h"

namespace tsfeat::codec {

// Null if this processor has no AVX2, or if this width has no form faster than the portable one.
template <typename T>
GroupKernel<T> avx2_group_kernel(uint32_t width);

}  // namespace tsfeat::codec
