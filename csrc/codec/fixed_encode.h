// Chooses the encoding of a chunk of integers or floats of one lane type.
#pragma once

#include <cstdint>
#include <string>

#include "codec/fixed.h"

namespace tsfeat::codec {

template <typename T>
void encode_lane(const T* values, uint32_t count, Kind kind, Effort effort, ColumnHistory& history, std::string* out);

}  // namespace tsfeat::codec
