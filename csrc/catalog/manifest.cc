#include "catalog/manifest.h"

#include <cstdio>
#include <set>

#include "base/crc32c.h"
#include "base/planted.h"

namespace tsfeat {
namespace {

constexpr uint64_t kMagic = 0x0a1a'7461'6566'7374;  // "tsfeat", SUB, newline: a text-mode copy would show
constexpr uint64_t kMaxManifestBytes = uint64_t{4} << 30;
constexpr size_t kHeaderBytes = 8 + 4 + 4 + 8;  // magic, format, header CRC, body length
constexpr const char* kName = "MANIFEST";

void encode_run(const RunMeta& run, ByteWriter& out) {
  out.varint(run.number);
  out.varint(run.level);
  out.varint(run.bytes);
  out.varint(run.keys);
  out.varint(run.stats.events);
  out.fixed(run.stats.min_time);
  out.fixed(run.stats.max_time);
  out.varint(run.stats.min_version);
  out.varint(run.stats.max_version);
}

RunMeta decode_run(ByteReader& in) {
  RunMeta run;
  run.number = in.varint();
  run.level = static_cast<uint32_t>(in.varint());
  run.bytes = in.varint();
  run.keys = in.varint();
  run.stats.events = in.varint();
  run.stats.min_time = in.fixed<int64_t>();
  run.stats.max_time = in.fixed<int64_t>();
  run.stats.min_version = in.varint();
  run.stats.max_version = in.varint();
  return run;
}

enum RetentionFlag : uint8_t { kPresent = 1, kMaxAge = 2, kMaxEvents = 4, kEventClock = 8 };

void encode_retention(const std::optional<Retention>& retention, ByteWriter& out) {
  uint8_t flags = 0;
  const Retention value = retention.value_or(Retention{});
  if (retention) flags |= kPresent;
  if (value.max_age) flags |= kMaxAge;
  if (value.max_events) flags |= kMaxEvents;
  if (value.event_clock) flags |= kEventClock;
  out.fixed(flags);
  out.fixed(value.max_age.value_or(0));
  out.fixed(value.max_events.value_or(0));
  out.fixed(value.min_events);
  out.fixed(value.history);
}

std::optional<Retention> decode_retention(ByteReader& in) {
  const auto flags = in.fixed<uint8_t>();
  Retention value;
  const auto max_age = in.fixed<int64_t>();
  const auto max_events = in.fixed<uint64_t>();
  value.min_events = in.fixed<uint64_t>();
  value.history = in.fixed<int64_t>();
  if ((flags & kMaxAge) != 0) value.max_age = max_age;
  if ((flags & kMaxEvents) != 0) value.max_events = max_events;
  value.event_clock = (flags & kEventClock) != 0;
  return (flags & kPresent) != 0 ? std::optional(value) : std::nullopt;
}

void encode_table(const TableRecord& table, std::string* to) {
  ByteWriter out(to);
  out.varint(table.id);
  out.text(table.name);
  encode_schema(table.schema, to);
  encode_retention(table.retention, out);
  out.varint(table.version);
  out.fixed(static_cast<uint8_t>(table.newest_time.has_value()));
  out.fixed(table.newest_time.value_or(0));
  out.varint(table.events_appended);
  out.fixed(table.horizon_time);
  out.varint(table.horizon_version);
  out.fixed(table.reclaimed_at);
  table.wall_clock.encode(to);
  table.event_clock.encode(to);
  out.varint(table.positions.size());
  for (const auto& [source, position] : table.positions) {
    out.text(source);
    out.fixed(position);
  }
  out.varint(table.categories.size());
  for (const auto& [column_id, values] : table.categories) {
    out.varint(column_id);
    out.varint(values.size());
    for (const std::string& value : values) out.text(value);
  }
  table.tombstones->encode(to);
  out.varint(table.runs.size());
  for (const RunMeta& run : table.runs) encode_run(run, out);
}

Result<TableRecord> decode_table(ByteReader& in) {
  TableRecord table;
  table.id = static_cast<uint32_t>(in.varint());
  table.name = in.text();
  TSFEAT_ASSIGN(table.schema, decode_schema(in));
  table.retention = decode_retention(in);
  table.version = in.varint();
  const bool any_event = in.fixed<uint8_t>() != 0;
  const auto newest_time = in.fixed<int64_t>();
  if (any_event) table.newest_time = newest_time;
  table.events_appended = in.varint();
  table.horizon_time = in.fixed<int64_t>();
  table.horizon_version = in.varint();
  table.reclaimed_at = in.fixed<int64_t>();
  TSFEAT_ASSIGN(table.wall_clock, VersionClock::decode(in));
  TSFEAT_ASSIGN(table.event_clock, VersionClock::decode(in));
  for (uint64_t left = in.varint(); left > 0 && in.ok(); --left) {
    std::string source(in.text());
    table.positions[std::move(source)] = in.fixed<int64_t>();
  }
  for (uint64_t left = in.varint(); left > 0 && in.ok(); --left) {
    std::vector<std::string>& values = table.categories[static_cast<uint32_t>(in.varint())];
    for (uint64_t count = in.varint(); count > 0 && in.ok(); --count) values.emplace_back(in.text());
  }
  TSFEAT_ASSIGN(table.tombstones, Tombstones::decode(in));
  for (uint64_t left = in.varint(); left > 0 && in.ok(); --left) table.runs.push_back(decode_run(in));
  if (!in.ok()) return Status::corruption("a table's record is cut short");
  TSFEAT_TRY(check_name("table", table.name));
  return table;
}

void encode_view(const NamedView& view, ByteWriter& out) {
  out.varint(view.id);
  out.text(view.name);
  out.varint(view.version);
  out.varint(view.table_id);
  out.text(view.specification);
}

// The record's numbers are at most 32 bits wide.
uint32_t decode_number(ByteReader& in, bool* fits) {
  const uint64_t number = in.varint();
  *fits = *fits && number <= UINT32_MAX;
  return static_cast<uint32_t>(number);
}

Status decode_views(ByteReader& in, Manifest* manifest) {
  bool consistent = true;
  manifest->next_view_id = decode_number(in, &consistent);
  std::set<std::string> names;
  for (uint64_t left = in.varint(); left > 0 && in.ok(); --left) {
    NamedView view;
    view.id = decode_number(in, &consistent);
    view.name = in.text();
    view.version = decode_number(in, &consistent);
    view.table_id = decode_number(in, &consistent);
    view.specification = in.text();
    if (!in.ok()) return Status::corruption("a view's record is cut short");
    TSFEAT_TRY(check_name("view", view.name));
    const NamedView* const last = manifest->views.empty() ? nullptr : &manifest->views.back();
    const bool next_version = last != nullptr && last->id == view.id;
    if (next_version) {
      consistent = consistent && last->name == view.name && last->version < view.version;
    } else {
      consistent = consistent && (last == nullptr || last->id < view.id) && names.insert(view.name).second;
    }
    consistent = consistent && view.id < manifest->next_view_id && view.version > 0 && view.table_id > 0 &&
                 view.table_id < manifest->next_table_id;
    if (!consistent) return Status::corruption("view '" + view.name + "' contradicts the rest");
    manifest->views.push_back(std::move(view));
  }
  return consistent ? Status() : Status::corruption("the next view id does not fit");
}

Result<Manifest> decode_body(Bytes body) {
  ByteReader in(body);
  Manifest manifest;
  const Bytes store_id = in.bytes(16);
  manifest.store_id.assign(reinterpret_cast<const char*>(store_id.data()), store_id.size());
  manifest.generation = in.varint();
  manifest.next_file_number = in.varint();
  manifest.log_number = in.varint();
  manifest.next_table_id = static_cast<uint32_t>(in.varint());
  std::set<uint64_t> files;
  std::set<std::string> names;
  for (uint64_t left = in.varint(); left > 0 && in.ok(); --left) {
    TSFEAT_ASSIGN(TableRecord table, decode_table(in));
    bool consistent = table.id < manifest.next_table_id && names.insert(table.name).second;
    for (const RunMeta& run : table.runs) {
      consistent = consistent && run.number < manifest.next_file_number && files.insert(run.number).second;
    }
    if (!consistent) return Status::corruption("table '" + table.name + "' contradicts the rest");
    manifest.tables.push_back(std::move(table));
  }
  TSFEAT_TRY(decode_views(in, &manifest));
  if (!in.done()) return Status::corruption("its parts do not add up to its length");
  return manifest;
}

std::string numbered(uint64_t number, const char* suffix) {
  char name[40];
  std::snprintf(name, sizeof name, "%012llu%s", static_cast<unsigned long long>(number), suffix);
  return name;
}

std::optional<uint64_t> number_of(std::string_view name, std::string_view suffix) {
  if (name.size() < 12 + suffix.size() || !name.ends_with(suffix)) return std::nullopt;
  uint64_t number = 0;
  for (const char c : name.substr(0, name.size() - suffix.size())) {
    if (c < '0' || c > '9' || number > (uint64_t{1} << 59)) return std::nullopt;
    number = number * 10 + static_cast<uint64_t>(c - '0');
  }
  return number;
}

}  // namespace

std::string run_name(uint64_t number) { return numbered(number, ".run"); }
std::string log_name(uint64_t number) { return numbered(number, ".log"); }
std::optional<uint64_t> run_number(std::string_view name) { return number_of(name, ".run"); }
std::optional<uint64_t> log_number(std::string_view name) { return number_of(name, ".log"); }

std::string encode_manifest(const Manifest& manifest) {
  std::string body;
  ByteWriter out(&body);
  out.bytes(as_bytes(manifest.store_id));
  out.varint(manifest.generation);
  out.varint(manifest.next_file_number);
  out.varint(manifest.log_number);
  out.varint(manifest.next_table_id);
  out.varint(manifest.tables.size());
  for (const TableRecord& table : manifest.tables) encode_table(table, &body);
  out.varint(manifest.next_view_id);
  out.varint(manifest.views.size());
  for (const NamedView& view : manifest.views) encode_view(view, out);

  std::string content;
  ByteWriter head(&content);
  head.fixed(kMagic);
  head.fixed(kFormatVersion);
  // The version has its own checksum with the magic, so that an older reader can trust it before it reads on.
  head.fixed(crc32c(as_bytes(content)));
  head.fixed(static_cast<uint64_t>(body.size()));
  content += body;
  head.fixed(crc32c(as_bytes(content)));
  return content;
}

Result<Manifest> decode_manifest(Bytes content) {
  ByteReader in(content);
  const auto magic = in.fixed<uint64_t>();
  const auto format = in.fixed<uint32_t>();
  const auto head_crc = in.fixed<uint32_t>();
  const auto body_bytes = in.fixed<uint64_t>();
  if (!in.ok() || magic != kMagic) return Status::corruption("MANIFEST, offset 0: this is not a tsfeat manifest");
  if (crc32c(content.first(12)) != head_crc)
    return Status::corruption("MANIFEST, offset 0: the header's checksum is wrong");
  if (format != kFormatVersion) {
    return Status(Code::kStorage, "MANIFEST: the store has format " + std::to_string(format) + ", this build reads " +
                                      std::to_string(kFormatVersion) + "; open it with " +
                                      (format > kFormatVersion ? "a newer tsfeat" : "the tsfeat that wrote it"));
  }
  if (body_bytes != in.remaining() - std::min<size_t>(4, in.remaining()) || in.remaining() < 4) {
    return Status::corruption("MANIFEST, offset 16: it declares " + std::to_string(body_bytes) +
                              " bytes of content but is " + std::to_string(content.size()) + " bytes long");
  }
  const Bytes covered = content.first(content.size() - 4);
  if (!planted("manifest_checksum") && crc32c(covered) != load<uint32_t>(content.data() + covered.size())) {
    return Status::corruption("MANIFEST, offset " + std::to_string(kHeaderBytes) + ": the content's checksum is wrong");
  }
  Result<Manifest> manifest = decode_body(covered.subspan(kHeaderBytes));
  if (manifest.ok()) return manifest;
  return Status::corruption("MANIFEST, offset " + std::to_string(kHeaderBytes) + ": " + manifest.status().message());
}

Result<Manifest> load_manifest(Vfs& vfs, const std::string& directory) {
  const std::string path = directory + "/" + kName;
  TSFEAT_ASSIGN(const bool there, vfs.exists(path));
  if (!there) return Status::not_found("'" + directory + "' is not a tsfeat store: it has no MANIFEST");
  TSFEAT_ASSIGN(const std::string content, read_file(vfs, path, kMaxManifestBytes));
  Result<Manifest> manifest = decode_manifest(as_bytes(content));
  if (manifest.ok()) return manifest;
  return Status(manifest.status().code(), directory + "/" + manifest.status().message());
}

Status save_manifest(Vfs& vfs, const std::string& directory, const Manifest& manifest) {
  return replace_file(vfs, directory, kName, as_bytes(encode_manifest(manifest)));
}

}  // namespace tsfeat
