#include <cstring>

#include "codec/blocks.h"
#include "codec/blocks_layout.h"
#include "codec/prefix_sum.h"

namespace tsfeat::codec {

namespace {

// One block, ready to unpack: `packed` may be read kUnpackSlackBytes past any whole number of groups.
template <typename T>
class BlockReader {
 public:
  BlockReader(const BlocksLayout<T>& layout, uint32_t block, const uint8_t* payload)
      : form_(layout.form(block)),
        values_(layout.values_in(block)),
        payload_(payload),
        end_(layout.end),
        packed_(payload) {
    const uint8_t* field = layout.entry(block) + kEntryHeadBytes;
    base_ = static_cast<T>(layout.base + load_partial(field, layout.base_bytes, end_));
    field += layout.base_bytes;
    if (form_.delta())
      delta_base_ = static_cast<T>(sign_extend(load_partial(field, layout.delta_bytes, end_), layout.delta_bytes));
    const size_t reach = size_t{form_.width()} * (kBlockValues / 8) + kUnpackSlackBytes;
    if (static_cast<size_t>(end_ - payload) < reach) {  // near the chunk's end: unpack from a copy with slack
      std::memcpy(copy_, payload, static_cast<size_t>(end_ - payload));
      packed_ = copy_;
    }
  }

  uint32_t payload_bytes() const { return form_.payload_bytes(values_); }

  void decode(uint32_t from, uint32_t to, uint8_t* out) {
    if (form_.delta()) {
      decode_delta(from, to, out);
    } else {
      unpack_range(base_, from, to, out);
      patch(from, to, out);
    }
  }

 private:
  void unpack_range(T base, uint32_t from, uint32_t to, uint8_t* out) {
    const uint32_t width = form_.width();
    const auto kernel = unpack_kernel<T>(width);
    uint32_t group = from / kGroupValues;
    if (const uint32_t skip = from % kGroupValues; skip != 0) {
      const uint32_t take = std::min(kGroupValues - skip, to - from);
      unpack_piece(kernel, group++, base, skip, take, out);
      out += take * sizeof(T);
      from += take;
    }
    if (const uint32_t whole = (to - from) / kGroupValues; whole != 0) {
      kernel(packed_ + size_t{group} * 4 * width, whole, base, out);
      group += whole;
      out += whole * kGroupValues * sizeof(T);
      from += whole * kGroupValues;
    }
    if (from < to) unpack_piece(kernel, group, base, 0, to - from, out);
  }

  void unpack_piece(UnpackKernel<T> kernel, uint32_t group, T base, uint32_t skip, uint32_t take, uint8_t* out) {
    uint8_t piece[kGroupValues * sizeof(T)];
    kernel(packed_ + size_t{group} * 4 * form_.width(), 1, base, piece);
    std::memcpy(out, piece + skip * sizeof(T), take * sizeof(T));
  }

  // Adds to the unpacked values what they have above `width` bits.
  void patch(uint32_t from, uint32_t to, uint8_t* out) const {
    const uint32_t number = form_.exceptions();
    if (number == 0) return;
    const uint32_t bytes = form_.exception_bytes();
    const uint8_t* positions = payload_ + packed_bytes(values_, form_.width());
    const uint8_t* highs = positions + number;
    for (uint32_t i = 0; i < number; ++i) {
      const uint32_t at = positions[i];
      if (at < from || at >= to) continue;
      uint8_t* value = out + (at - from) * sizeof(T);
      const uint64_t high = load_partial(highs + i * bytes, bytes, end_) << form_.width();
      store<T>(value, static_cast<T>(load<T>(value) + high));
    }
  }

  // A difference needs all before it: unpacks from the block's start.
  void decode_delta(uint32_t from, uint32_t to, uint8_t* out) {
    T differences[kBlockValues];
    auto* bytes = reinterpret_cast<uint8_t*>(differences);
    const uint32_t groups = (to + kGroupValues - 1) / kGroupValues;
    unpack_kernel<T>(form_.width())(packed_, groups, delta_base_, bytes);
    patch(0, to, bytes);
    T value = static_cast<T>(base_ - delta_base_);  // the first difference is stored as zero
    for (uint32_t i = 0; i < from; ++i) value = static_cast<T>(value + differences[i]);
    prefix_sum(differences + from, to - from, value, out);
  }

  BlockForm form_;
  uint32_t values_;
  T base_ = 0;
  T delta_base_ = 0;
  const uint8_t* payload_;
  const uint8_t* end_;
  const uint8_t* packed_;
  uint8_t copy_[kBlockValues * sizeof(T) + kUnpackSlackBytes];
};

Status damaged(const char* what) { return Status::corruption(std::string("a chunk of blocks is damaged: ") + what); }

}  // namespace

template <typename T>
Status check_blocks(Bytes body, uint32_t count) {
  if (body.size() < BlocksLayout<T>::kHeadBytes) return damaged("its head is cut off");
  const uint32_t blocks = block_count(count);
  const size_t table = size_t{blocks} * (kEntryHeadBytes + body[0] + body[1]) + skip_count(blocks) * sizeof(uint32_t);
  if (body[0] > sizeof(T) || body[1] > sizeof(T)) return damaged("a base is wider than a value");
  if (body.size() - BlocksLayout<T>::kHeadBytes < table) return damaged("its block table is cut off");
  const BlocksLayout<T> layout(body, count);
  const size_t available = static_cast<size_t>(layout.end - layout.payloads);
  size_t offset = 0;
  for (uint32_t block = 0; block < blocks; ++block) {
    const BlockForm form = layout.form(block);
    const uint32_t values = layout.values_in(block);
    if (block != 0 && block % kSkipBlocks == 0 &&
        load<uint32_t>(layout.skips + (block / kSkipBlocks - 1) * sizeof(uint32_t)) != offset) {
      return damaged("a skip offset is wrong");
    }
    if (form.width() > 8 * sizeof(T)) return damaged("a width is out of range");
    if (form.exceptions() != 0 && form.width() + 1 > 8 * sizeof(T)) return damaged("full-width values have exceptions");
    if (form.payload_bytes(values) > available - offset) return damaged("a payload is cut off");
    const uint8_t* positions = layout.payloads + offset + packed_bytes(values, form.width());
    for (uint32_t i = 0; i < form.exceptions(); ++i) {
      if (positions[i] >= values) return damaged("an exception is out of range");
    }
    offset += form.payload_bytes(values);
  }
  return offset == available ? Status() : damaged("bytes follow its last block");
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
    BlockReader<T> reader(layout, block, payload);
    reader.decode(begin - start, stop - start, out);
    payload += reader.payload_bytes();
    out += (stop - begin) * sizeof(T);
    begin = stop;
  }
}

#define TSFEAT_LANE(T)                              \
  template Status check_blocks<T>(Bytes, uint32_t); \
  template void decode_blocks<T>(Bytes, uint32_t, uint32_t, uint32_t, uint8_t*)
TSFEAT_LANE(uint8_t);
TSFEAT_LANE(uint16_t);
TSFEAT_LANE(uint32_t);
TSFEAT_LANE(uint64_t);
#undef TSFEAT_LANE

}  // namespace tsfeat::codec
