#include <algorithm>

#include "codec/blocks.h"
#include "codec/blocks_layout.h"
#include "codec/prefix_sum.h"

namespace tsfeat::codec {

namespace {

// One block, ready to unpack.
template <typename T>
class BlockReader {
 public:
  BlockReader(const BlocksLayout<T>& layout, uint32_t block, const uint8_t* payload)
      : form_(layout.form(block)), values_(layout.values_in(block)), packed_{payload, layout.end, form_.width()} {
    base_ = layout.base_of(block);
    if (!form_.delta()) return;
    const uint8_t* const field = layout.entry(block) + kEntryHeadBytes + layout.base_bytes;
    delta_base_ = static_cast<T>(sign_extend(load_partial(field, layout.delta_bytes, layout.end), layout.delta_bytes));
  }

  uint32_t payload_bytes() const { return form_.payload_bytes(values_); }

  void decode(uint32_t from, uint32_t to, uint8_t* out) const {
    if (form_.delta()) return decode_delta(from, to, out);
    unpack<T>(packed_, from, to, base_, out);
    patch(from, to, out);
  }

  // Rows [rows.front(), rows.back()] - origin lie in the block.
  void pick(std::span<const uint32_t> rows, uint32_t origin, uint8_t* out) const {
    if (form_.delta() || form_.width() > kWidestSingle || rows.size() > kMostSingles)
      return pick_decoded(rows, origin, out);
    const uint64_t mask = (uint64_t{1} << form_.width()) - 1;
    const auto take = [&](size_t i, auto load_at) {
      const uint64_t bit = uint64_t{rows[i] - origin} * form_.width();
      const uint64_t bits = load_at(packed_.data + bit / 8) >> (bit % 8) & mask;
      store<T>(out + i * sizeof(T), static_cast<T>(base_ + bits));
    };
    // All but those whose eight bytes would reach past the end.
    size_t i = 0;
    const uint64_t safe_bits = 8 * static_cast<uint64_t>(std::max<ptrdiff_t>(0, packed_.end - packed_.data - 7));
    for (; i < rows.size() && uint64_t{rows[i] - origin} * form_.width() < safe_bits; ++i) take(i, load<uint64_t>);
    for (; i < rows.size(); ++i) {
      take(i, [&](const uint8_t* at) {
        return load_partial(at, static_cast<uint32_t>(std::min<ptrdiff_t>(8, packed_.end - at)), packed_.end);
      });
    }
    if (form_.exceptions() == 0) return;
    uint64_t picked[kBlockValues / 64] = {};
    for (const uint32_t row : rows) picked[(row - origin) / 64] |= uint64_t{1} << (row - origin) % 64;
    each_exception([&](uint32_t at, auto high) {
      if ((picked[at / 64] >> at % 64 & 1) == 0) return;
      for (size_t row = 0; row < rows.size(); ++row) {
        if (rows[row] == origin + at) add_high(out + row * sizeof(T), high());
      }
    });
  }

 private:
  // Beyond these, unpacking the block is faster than taking single values, or needed.
  static constexpr uint32_t kWidestSingle = 57;
  static constexpr size_t kMostSingles = 16;

  void pick_decoded(std::span<const uint32_t> rows, uint32_t origin, uint8_t* out) const {
    T values[kBlockValues];
    const uint32_t first = rows.front() - origin;
    decode(first, rows.back() - origin + 1, reinterpret_cast<uint8_t*>(values));
    for (const uint32_t row : rows) {
      store<T>(out, values[row - origin - first]);
      out += sizeof(T);
    }
  }

  // Calls visit(position, a function that gives what the value has above `width` bits) for each.
  template <typename Visit>
  void each_exception(Visit visit) const {
    const uint32_t number = form_.exceptions();
    if (number == 0) return;
    const uint32_t bytes = form_.exception_bytes();
    const uint8_t* positions = packed_.data + packed_bytes(values_, form_.width());
    const uint8_t* highs = positions + number;
    for (uint32_t i = 0; i < number; ++i)
      visit(positions[i], [&] { return load_partial(highs + i * bytes, bytes, packed_.end) << form_.width(); });
  }

  static void add_high(uint8_t* value, uint64_t high) { store<T>(value, static_cast<T>(load<T>(value) + high)); }

  // Adds to the unpacked values what they have above `width` bits.
  void patch(uint32_t from, uint32_t to, uint8_t* out) const {
    each_exception([&](uint32_t at, auto high) {
      if (at >= from && at < to) add_high(out + (at - from) * sizeof(T), high());
    });
  }

  // A difference needs all before it: unpacks from the block's start.
  void decode_delta(uint32_t from, uint32_t to, uint8_t* out) const {
    T differences[kBlockValues];
    auto* bytes = reinterpret_cast<uint8_t*>(differences);
    unpack<T>(packed_, 0, to, delta_base_, bytes);
    patch(0, to, bytes);
    T value = static_cast<T>(base_ - delta_base_);  // the first difference is stored as zero
    for (uint32_t i = 0; i < from; ++i) value = static_cast<T>(value + differences[i]);
    prefix_sum(differences + from, to - from, value, out);
  }

  const BlockForm form_;
  const uint32_t values_;
  const PackedBits packed_;
  T base_ = 0;
  T delta_base_ = 0;
};

Status damaged_blocks(const char* what) {
  return Status::corruption(std::string("a chunk of blocks is damaged: ") + what);
}

}  // namespace

template <typename T>
Status check_blocks(Bytes body, uint32_t count) {
  if (body.size() < BlocksLayout<T>::kHeadBytes) return damaged_blocks("its head is cut off");
  const uint32_t blocks = block_count(count);
  const size_t table = size_t{blocks} * (kEntryHeadBytes + body[0] + body[1]) + skip_count(blocks) * sizeof(uint32_t);
  if (body[0] > sizeof(T) || body[1] > sizeof(T)) return damaged_blocks("a base is wider than a value");
  if (body.size() - BlocksLayout<T>::kHeadBytes < table) return damaged_blocks("its block table is cut off");
  const BlocksLayout<T> layout(body, count);
  const size_t available = static_cast<size_t>(layout.end - layout.payloads);
  size_t offset = 0;
  for (uint32_t block = 0; block < blocks; ++block) {
    const BlockForm form = layout.form(block);
    const uint32_t values = layout.values_in(block);
    if (block != 0 && block % kSkipBlocks == 0 &&
        load<uint32_t>(layout.skips + (block / kSkipBlocks - 1) * sizeof(uint32_t)) != offset) {
      return damaged_blocks("a skip offset is wrong");
    }
    if (form.width() > 8 * sizeof(T)) return damaged_blocks("a width is out of range");
    if (form.exceptions() != 0 && form.width() + 1 > 8 * sizeof(T))
      return damaged_blocks("full-width values have exceptions");
    if (form.payload_bytes(values) > available - offset) return damaged_blocks("a payload is cut off");
    const uint8_t* positions = layout.payloads + offset + packed_bytes(values, form.width());
    for (uint32_t i = 0; i < form.exceptions(); ++i) {
      if (positions[i] >= values) return damaged_blocks("an exception is out of range");
    }
    offset += form.payload_bytes(values);
  }
  return offset == available ? Status() : damaged_blocks("bytes follow its last block");
}

template <typename T>
void decode_blocks(Bytes body, uint32_t count, uint32_t begin, uint32_t end, uint8_t* out) {
  if (begin >= end) return;
  const BlocksLayout<T> layout(body, count);
  uint32_t block = begin / kBlockValues;
  const uint8_t* payload = layout.payload(block);
  for (; begin < end; ++block) {
    const uint32_t start = block * kBlockValues;
    const uint32_t stop = std::min(end, start + kBlockValues);
    const BlockReader<T> reader(layout, block, payload);
    reader.decode(begin - start, stop - start, out);
    payload += reader.payload_bytes();
    out += (stop - begin) * sizeof(T);
    begin = stop;
  }
}

Places narrow_blocks(Bytes body, uint32_t count, Places within, int64_t least) {
  const BlocksLayout<uint64_t> layout(body, count);
  // Those that begin there. A base is the first value, or the least: the same, if all of the block's values ascend.
  const uint32_t first = block_count(within.begin);
  uint32_t last = block_count(within.end);
  if (last > first && std::min(count, last * kBlockValues) > within.end && !layout.form(last - 1).delta()) --last;
  uint32_t block = first;  // to become the first that begins with no less
  for (uint32_t left = last - first; left > 0;) {
    const uint32_t half = left / 2;
    if (static_cast<int64_t>(layout.base_of(block + half)) < least) {
      block += half + 1;
      left -= half + 1;
    } else {
      left = half;
    }
  }
  return {block == first ? within.begin : (block - 1) * kBlockValues,
          block == last ? within.end : block * kBlockValues};
}

template <typename T>
void pick_blocks(Bytes body, uint32_t count, std::span<const uint32_t> rows, uint8_t* out) {
  const BlocksLayout<T> layout(body, count);
  uint32_t block = 0;
  const uint8_t* payload = layout.payloads;
  while (!rows.empty()) {
    const uint32_t wanted = rows.front() / kBlockValues;
    if (wanted - block > kSkipBlocks) {
      payload = layout.payload(wanted);
      block = wanted;
    }
    for (; block < wanted; ++block) payload += layout.form(block).payload_bytes(kBlockValues);
    size_t here = 1;
    while (here < rows.size() && rows[here] / kBlockValues == block) ++here;
    BlockReader<T>(layout, block, payload).pick(rows.first(here), block * kBlockValues, out);
    rows = rows.subspan(here);
    out += here * sizeof(T);
  }
}

#define TSFEAT_LANE(T)                                                                \
  template Status check_blocks<T>(Bytes, uint32_t);                                   \
  template void pick_blocks<T>(Bytes, uint32_t, std::span<const uint32_t>, uint8_t*); \
  template void decode_blocks<T>(Bytes, uint32_t, uint32_t, uint32_t, uint8_t*)
TSFEAT_LANE(uint8_t);
TSFEAT_LANE(uint16_t);
TSFEAT_LANE(uint32_t);
TSFEAT_LANE(uint64_t);
#undef TSFEAT_LANE

}  // namespace tsfeat::codec
