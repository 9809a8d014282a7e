#include "run/directory.h"

namespace tsfeat::run {
namespace {

constexpr uint64_t kMaxBlockRows = 0xffffffff;
constexpr size_t kMaxBlockKeyBytes = size_t{256} << 10;

Status bad(const std::string& what) { return Status::corruption("a directory block is damaged: " + what); }

// The plain form of a chunk, in `room` if it was compressed.
template <typename Inflate>
Result<Bytes> plain_chunk(Bytes chunk, std::string* room, Inflate inflate) {
  TSFEAT_ASSIGN(*room, inflate(chunk));
  return room->empty() ? chunk : as_bytes(*room);
}

Status read_fixed(Bytes chunk, uint32_t count, uint32_t width, void* out) {
  std::string room;
  TSFEAT_ASSIGN(const Bytes plain,
                plain_chunk(chunk, &room, [&](Bytes c) { return codec::inflate_fixed(c, count, width); }));
  TSFEAT_TRY(codec::check_fixed(plain, count, width));
  codec::decode_fixed(plain, count, width, 0, count, static_cast<uint8_t*>(out));
  return {};
}

Status read_varlen(Bytes chunk, uint32_t count, codec::VarlenBuffer* out) {
  std::string room;
  TSFEAT_ASSIGN(const Bytes plain, plain_chunk(chunk, &room, [&](Bytes c) { return codec::inflate_varlen(c, count); }));
  TSFEAT_TRY(codec::check_varlen(plain, count));
  codec::decode_varlen(plain, count, 0, count, out);
  return {};
}

}  // namespace

bool DirectoryBuilder::full(uint32_t more_rows) const {
  return keys() == kMaxKeysPerBlock || rows_ + more_rows > kMaxBlockRows || bytes_.data.size() > kMaxBlockKeyBytes;
}

void DirectoryBuilder::add(const KeyView& key, uint32_t rows) {
  uint8_t room[8];
  const Bytes bytes = key.bytes(room);
  if (empty()) first_key_.assign(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  if (varlen_) {
    bytes_.data.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    bytes_.offsets.push_back(static_cast<int64_t>(bytes_.data.size()));
  } else {
    prefixes_.push_back(key.prefix);
  }
  counts_.push_back(rows);
  rows_ += rows;
}

bool DirectoryBuilder::extend(uint32_t more_rows) {
  if (rows_ + more_rows > kMaxBlockRows) return false;
  counts_.back() += more_rows;
  rows_ += more_rows;
  return true;
}

void DirectoryBuilder::finish(std::string* out) {
  std::string chunk;
  if (varlen_) {
    codec::encode_varlen(bytes_.offsets.data(), reinterpret_cast<const uint8_t*>(bytes_.data.data()), keys(), effort_,
                         &chunk);
  } else {
    codec::encode_fixed(reinterpret_cast<const uint8_t*>(prefixes_.data()), keys(), 8, codec::Kind::kUnsigned, effort_,
                        &chunk);
  }
  ByteWriter writer(out);
  writer.fixed(static_cast<uint32_t>(chunk.size()));
  out->append(chunk);
  codec::encode_fixed(reinterpret_cast<const uint8_t*>(counts_.data()), keys(), 4, codec::Kind::kUnsigned, effort_,
                      out);
  prefixes_.clear();
  bytes_ = {};
  counts_.clear();
  rows_ = 0;
}

uint32_t DirectoryView::find(const KeyView& wanted) const {
  uint32_t base = 0;
  for (uint32_t left = keys_; left > 1;) {
    const uint32_t half = left / 2;
    const bool right = varlen_ ? !(wanted < key(base + half)) : prefix(base + half) <= wanted.prefix;
    base += right ? half : 0;
    left -= half;
  }
  return base;
}

Result<std::string> expand_directory(Bytes block, const DirectoryEntry& entry, uint64_t next_row, bool varlen) {
  ByteReader in(block);
  const Bytes key_chunk = in.bytes(in.fixed<uint32_t>());
  if (!in.ok()) return bad("its keys are cut off");
  std::vector<uint64_t> prefixes(entry.keys);
  std::vector<uint32_t> counts(entry.keys);
  codec::VarlenBuffer bytes;
  if (varlen) {
    TSFEAT_TRY(read_varlen(key_chunk, entry.keys, &bytes));
    for (uint32_t i = 0; i < entry.keys; ++i) {
      const auto begin = static_cast<size_t>(bytes.offsets[i]);
      const auto key = std::string_view(bytes.data).substr(begin, static_cast<size_t>(bytes.offsets[i + 1]) - begin);
      prefixes[i] = KeyView::from_bytes(as_bytes(key)).prefix;
    }
  } else {
    TSFEAT_TRY(read_fixed(key_chunk, entry.keys, 8, prefixes.data()));
  }
  TSFEAT_TRY(read_fixed(in.bytes(in.remaining()), entry.keys, 4, counts.data()));

  std::string out;
  ByteWriter writer(&out);
  out.reserve(16 + entry.keys * size_t{16} + bytes.data.size());
  writer.fixed(entry.first_row);
  writer.fixed(entry.keys);
  writer.fixed(uint32_t{0});
  for (const uint64_t prefix : prefixes) writer.fixed(prefix);
  uint64_t rows = 0;
  for (const uint32_t count : counts) {
    if (count == 0) return bad("a key has no rows");
    rows += count;
    if (rows > next_row - entry.first_row) return bad("its rows reach into the next block");
    writer.fixed(static_cast<uint32_t>(rows));
  }
  if (rows != next_row - entry.first_row) return bad("its rows do not reach the next block");
  if (varlen) {
    for (uint32_t i = 1; i <= entry.keys; ++i) writer.fixed(static_cast<uint32_t>(bytes.offsets[i]));
    out += bytes.data;
  }
  const DirectoryView view(as_bytes(out), varlen);
  for (uint32_t i = 1; i < entry.keys; ++i) {
    if (!(view.key(i - 1) < view.key(i))) return bad("its keys do not ascend");
  }
  return out;
}

}  // namespace tsfeat::run
