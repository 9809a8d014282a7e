#include "codec/dictionary.h"

#include <algorithm>
#include <bit>
#include <numeric>

namespace tsfeat::codec {

namespace {

constexpr size_t kDictionaryHeadBytes = sizeof(uint16_t);
constexpr size_t kPackedDictionaryHeadBytes = kDictionaryHeadBytes + sizeof(uint32_t);
constexpr uint32_t kDictionarySamples = 256;

// Open addressing from a value to its code; made for one chunk, a power of two at least twice its values.
template <typename T>
class CodeTable {
 public:
  explicit CodeTable(uint32_t count)
      : shift_(64 - static_cast<unsigned>(std::bit_width(uint64_t{count} * 2))),
        slots_(size_t{1} << (64 - shift_), kEmpty) {}
  // The value's code, which is the number of values in `distinct` before, if it was unknown.
  uint32_t code(T value, std::vector<T>* distinct) {
    const size_t mask = slots_.size() - 1;
    for (size_t slot = (value * 0x9e3779b97f4a7c15u) >> shift_;; slot = (slot + 1) & mask) {
      const uint32_t code = slots_[slot];
      if (code == kEmpty) {
        slots_[slot] = static_cast<uint16_t>(distinct->size());
        distinct->push_back(value);
        return slots_[slot];
      }
      if ((*distinct)[code] == value) return code;
    }
  }

 private:
  static constexpr uint16_t kEmpty = 0xffff;  // never a code: a chunk has at most 65,535 values
  unsigned shift_;
  std::vector<uint16_t> slots_;
};

// Bytes: counted in a table, since a hash table per chunk would cost more than it finds.
inline uint32_t count_distinct_bytes(const uint8_t* values, uint32_t count) {
  uint8_t seen[256] = {};
  for (uint32_t i = 0; i < count; ++i) seen[values[i]] = 1;
  return static_cast<uint32_t>(std::accumulate(std::begin(seen), std::end(seen), 0));
}

// What a dictionary of so many distinct values takes at the least. Codes in order of appearance may be packed a little
// tighter than their width; those of bytes hardly ever are.
template <typename T>
size_t least_size(size_t distinct, uint32_t count) {
  const auto code_bits = static_cast<uint32_t>(std::bit_width(distinct - 1));
  return kDictionaryHeadBytes + distinct * sizeof(T) + size_t{count} * code_bits / (sizeof(T) == 1 ? 8 : 9);
}

// Whether a sample repeats itself enough for a dictionary to be smaller than `limit`.
template <typename T>
bool sample_repeats(const T* values, uint32_t count, size_t limit) {
  if (count <= kDictionarySamples) return true;
  CodeTable<T> table(kDictionarySamples);
  std::vector<T> distinct;
  distinct.reserve(kDictionarySamples);
  const uint32_t stride = count / kDictionarySamples;
  for (uint32_t i = 0; i < kDictionarySamples; ++i) table.code(values[i * stride], &distinct);
  return distinct.size() < kDictionarySamples - kDictionarySamples / 64 &&
         least_size<T>(distinct.size(), count) < limit;
}

template <typename T>
void plan_codes(DictionaryPlan<T>* plan) {
  const auto count = static_cast<uint32_t>(plan->codes.size());
  if (plan->distinct.size() <= kMaxByteCodes) {
    plan->byte_codes.assign(count, 0);
    for (uint32_t i = 0; i < count; ++i) plan->byte_codes[i] = static_cast<uint8_t>(plan->codes[i]);
    plan_blocks(plan->byte_codes.data(), count, Order::kCodes, &plan->byte_code_blocks);
  } else {
    plan_blocks(plan->codes.data(), count, Order::kCodes, &plan->code_blocks);
  }
  const bool bytes = plan->distinct.size() <= kMaxByteCodes;
  plan->size = kDictionaryHeadBytes + plan->distinct.size() * sizeof(T) +
               (bytes ? plan->byte_code_blocks.size : plan->code_blocks.size);
}

// Indices by value. Large dictionaries are mostly of ids without order, spread evenly: they are dealt to as many
// buckets by their high bits, and few share one.
template <typename T>
std::vector<uint16_t> order_of(const std::vector<T>& values) {
  const auto [least, most] = std::minmax_element(values.begin(), values.end());
  const auto bucket_bits = static_cast<unsigned>(std::bit_width(values.size()));
  const auto range_bits = static_cast<unsigned>(std::bit_width(static_cast<uint64_t>(*most - *least)));
  const unsigned shift = range_bits > bucket_bits ? range_bits - bucket_bits : 0;
  const auto bucket = [&, low = *least](size_t i) { return static_cast<uint64_t>(values[i] - low) >> shift; };
  std::vector<uint16_t> ends((size_t{1} << bucket_bits) + 1);
  for (size_t i = 0; i < values.size(); ++i) ++ends[bucket(i) + 1];
  std::partial_sum(ends.begin(), ends.end(), ends.begin());
  std::vector<uint16_t> order(values.size());
  for (size_t i = 0; i < values.size(); ++i) order[ends[bucket(i)]++] = static_cast<uint16_t>(i);
  const auto by_value = [&](uint16_t a, uint16_t b) { return values[a] < values[b]; };
  for (size_t b = 0, begin = 0; b + 1 < ends.size(); begin = ends[b++]) {
    if (ends[b] - begin > 1)
      std::sort(order.begin() + static_cast<ptrdiff_t>(begin), order.begin() + ends[b], by_value);
  }
  return order;
}

template <typename T>
void write_codes(const DictionaryPlan<T>& plan, std::string* out) {
  const auto count = static_cast<uint32_t>(plan.codes.size());
  if (plan.distinct.size() <= kMaxByteCodes) {
    write_blocks(plan.byte_codes.data(), count, plan.byte_code_blocks, out);
  } else {
    write_blocks(plan.codes.data(), count, plan.code_blocks, out);
  }
}

template <typename T>
void append_values(const T* values, size_t count, std::string* out) {
  out->append(reinterpret_cast<const char*>(values), count * sizeof(T));
}

Status damaged_dictionary(const char* what) {
  return Status::corruption(std::string("a dictionary chunk is damaged: ") + what);
}

template <typename Code>
Status check_codes(Bytes codes, uint32_t count, uint32_t distinct) {
  TSFEAT_TRY(check_blocks<Code>(codes, count));
  Code block[kBlockValues];
  Code most = 0;
  for (uint32_t begin = 0; begin < count; begin += kBlockValues) {
    const uint32_t end = std::min(count, begin + kBlockValues);
    decode_blocks<Code>(codes, count, begin, end, reinterpret_cast<uint8_t*>(block));
    for (uint32_t i = 0; i < end - begin; ++i) most = std::max(most, block[i]);
  }
  return most < distinct ? Status() : damaged_dictionary("a code is out of range");
}

template <typename T, typename Code>
void decode_codes(const uint8_t* values, Bytes codes, uint32_t count, uint32_t begin, uint32_t end, uint8_t* out) {
  constexpr uint32_t kStrideValues = 2 * kBlockValues;
  Code block[kStrideValues];
  while (begin < end) {
    const uint32_t stop = std::min(end, (begin / kStrideValues + 1) * kStrideValues);
    decode_blocks<Code>(codes, count, begin, stop, reinterpret_cast<uint8_t*>(block));
    for (uint32_t i = 0; i < stop - begin; ++i, out += sizeof(T)) store<T>(out, load<T>(values + block[i] * sizeof(T)));
    begin = stop;
  }
}

template <typename T, typename Code>
void pick_codes(const uint8_t* values, Bytes codes, uint32_t count, std::span<const uint32_t> rows, uint8_t* out) {
  Code block[kBlockValues];
  while (!rows.empty()) {
    const size_t here = std::min<size_t>(rows.size(), kBlockValues);
    pick_blocks<Code>(codes, count, rows.first(here), reinterpret_cast<uint8_t*>(block));
    for (size_t i = 0; i < here; ++i, out += sizeof(T)) store<T>(out, load<T>(values + block[i] * sizeof(T)));
    rows = rows.subspan(here);
  }
}

// Calls with(values, codes, Code{}) for a plain body.
template <typename T, typename With>
void with_codes(Bytes body, With with) {
  const uint32_t distinct = load<uint16_t>(body.data());
  const uint8_t* values = body.data() + kDictionaryHeadBytes;
  const Bytes codes = body.subspan(kDictionaryHeadBytes + distinct * sizeof(T));
  if (distinct <= kMaxByteCodes) {
    with(values, codes, uint8_t{});
  } else {
    with(values, codes, uint16_t{});
  }
}

}  // namespace

template <typename T>
bool plan_dictionary(const T* values, uint32_t count, size_t limit, DictionaryPlan<T>* plan) {
  if (limit <= kDictionaryHeadBytes) return false;
  if constexpr (sizeof(T) == 1) {
    if (least_size<T>(count_distinct_bytes(values, count), count) >= limit) return false;
  } else {
    if (!sample_repeats(values, count, limit)) return false;
  }
  CodeTable<T> table(count);
  plan->distinct.reserve(count);
  plan->codes.resize(count);
  const size_t most_distinct = (limit - kDictionaryHeadBytes) / sizeof(T);
  for (uint32_t i = 0; i < count; ++i) {
    plan->codes[i] = static_cast<uint16_t>(table.code(values[i], &plan->distinct));
    if (plan->distinct.size() > most_distinct) return false;
  }
  if (least_size<T>(plan->distinct.size(), count) >= limit) return false;
  plan_codes(plan);
  return plan->size < limit;
}

template <typename T>
void sort_dictionary(DictionaryPlan<T>* plan) {
  const auto number = static_cast<uint32_t>(plan->distinct.size());
  const std::vector<uint16_t> order = order_of(plan->distinct);
  std::vector<T> sorted(number);
  std::vector<uint16_t> rank(number);
  for (uint32_t i = 0; i < number; ++i) {
    sorted[i] = plan->distinct[order[i]];
    rank[order[i]] = static_cast<uint16_t>(i);
  }
  plan->distinct = std::move(sorted);
  for (uint16_t& code : plan->codes) code = rank[code];
  plan_codes(plan);
  plan_blocks(plan->distinct.data(), number, Order::kUnsigned, &plan->value_blocks);
  plan->packed_size = plan->size + sizeof(uint32_t) - number * sizeof(T) + plan->value_blocks.size;
}

template <typename T>
void write_dictionary(const DictionaryPlan<T>& plan, std::string* out) {
  ByteWriter(out).fixed(static_cast<uint16_t>(plan.distinct.size()));
  append_values(plan.distinct.data(), plan.distinct.size(), out);
  write_codes(plan, out);
}

template <typename T>
void write_packed_dictionary(const DictionaryPlan<T>& plan, std::string* out) {
  ByteWriter writer(out);
  writer.fixed(static_cast<uint16_t>(plan.distinct.size()));
  writer.fixed(static_cast<uint32_t>(plan.value_blocks.size));
  write_blocks(plan.distinct.data(), static_cast<uint32_t>(plan.distinct.size()), plan.value_blocks, out);
  write_codes(plan, out);
}

template <typename T>
Result<std::string> unpack_dictionary(Bytes body) {
  if (body.size() < kPackedDictionaryHeadBytes) return damaged_dictionary("its head is cut off");
  const uint16_t distinct = load<uint16_t>(body.data());
  const uint32_t size = load<uint32_t>(body.data() + kDictionaryHeadBytes);
  if (size > body.size() - kPackedDictionaryHeadBytes) return damaged_dictionary("its values are cut off");
  const Bytes values = body.subspan(kPackedDictionaryHeadBytes, size);
  TSFEAT_TRY(check_blocks<T>(values, distinct));
  std::string plain(kDictionaryHeadBytes + distinct * sizeof(T), '\0');
  store(plain.data(), distinct);
  decode_blocks<T>(values, distinct, 0, distinct, reinterpret_cast<uint8_t*>(plain.data()) + kDictionaryHeadBytes);
  ByteWriter(&plain).bytes(body.subspan(kPackedDictionaryHeadBytes + size));
  return plain;
}

template <typename T>
Status check_dictionary(Bytes body, uint32_t count) {
  if (body.size() < kDictionaryHeadBytes) return damaged_dictionary("its head is cut off");
  const uint32_t distinct = load<uint16_t>(body.data());
  if (distinct == 0 || body.size() - kDictionaryHeadBytes < distinct * sizeof(T))
    return damaged_dictionary("its values are cut off");
  const Bytes codes = body.subspan(kDictionaryHeadBytes + distinct * sizeof(T));
  return distinct <= kMaxByteCodes ? check_codes<uint8_t>(codes, count, distinct)
                                   : check_codes<uint16_t>(codes, count, distinct);
}

template <typename T>
void decode_dictionary(Bytes body, uint32_t count, uint32_t begin, uint32_t end, uint8_t* out) {
  with_codes<T>(body, [&](const uint8_t* values, Bytes codes, auto code) {
    decode_codes<T, decltype(code)>(values, codes, count, begin, end, out);
  });
}

template <typename T>
void pick_dictionary(Bytes body, uint32_t count, std::span<const uint32_t> rows, uint8_t* out) {
  with_codes<T>(body, [&](const uint8_t* values, Bytes codes, auto code) {
    pick_codes<T, decltype(code)>(values, codes, count, rows, out);
  });
}

#define TSFEAT_LANE(T)                                                               \
  template bool plan_dictionary<T>(const T*, uint32_t, size_t, DictionaryPlan<T>*);  \
  template void sort_dictionary<T>(DictionaryPlan<T>*);                              \
  template void write_dictionary<T>(const DictionaryPlan<T>&, std::string*);         \
  template void write_packed_dictionary<T>(const DictionaryPlan<T>&, std::string*);  \
  template Result<std::string> unpack_dictionary<T>(Bytes);                          \
  template Status check_dictionary<T>(Bytes, uint32_t);                              \
  template void decode_dictionary<T>(Bytes, uint32_t, uint32_t, uint32_t, uint8_t*); \
  template void pick_dictionary<T>(Bytes, uint32_t, std::span<const uint32_t>, uint8_t*)
TSFEAT_LANE(uint8_t);
TSFEAT_LANE(uint16_t);
TSFEAT_LANE(uint32_t);
TSFEAT_LANE(uint64_t);
#undef TSFEAT_LANE

}  // namespace tsfeat::codec
