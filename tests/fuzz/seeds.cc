// Writes the corpus of the targets whose inputs no store file is: chunks, schemas, filters. `make_corpus.py` runs it.
#include <filesystem>
#include <fstream>
#include <random>
#include <string>

#include "base/bytes.h"
#include "codec/fixed.h"
#include "codec/varlen.h"
#include "schema/schema.h"

namespace tsfeat {
namespace {

using Random = std::mt19937_64;

constexpr uint32_t kWidths[] = {1, 2, 4, 8, 12, 24};  // as in fixed_fuzz.cc

void save(const std::filesystem::path& directory, const std::string& name, const std::string& content) {
  std::filesystem::create_directories(directory);
  std::ofstream(directory / name, std::ios::binary) << content;
}

// Shapes that make the encoder choose each of its forms.
uint64_t value_of(unsigned shape, uint32_t i, Random& random) {
  switch (shape) {
    case 0:
      return 5;  // constant
    case 1:
      return 1000 + i * 3;  // steps
    case 2:
      return i / 40 * 77777;  // runs
    case 3:
      return std::bit_cast<uint64_t>(static_cast<double>(random() % 1000) / 100);  // decimals
    case 4:
      return (random() % 12) * 0x123456789abcdef;  // a dictionary
    case 5:
      return random() % 50 == 0 ? random() : random() % 100;  // blocks with exceptions
    case 6:
      return 1'000'000 + i * 1000 + random() % 900;  // deltas
    default:
      return random();  // raw
  }
}

void fixed(const std::filesystem::path& root) {
  Random random(1);
  for (uint16_t w = 0; w < std::size(kWidths); ++w) {
    for (unsigned shape = 0; shape < 8; ++shape) {
      const auto count = static_cast<uint16_t>(shape % 2 == 0 ? 300 : 100);
      std::string values;
      for (uint32_t i = 0; i < count; ++i) {
        std::string value(kWidths[w], '\0');
        const uint64_t number = value_of(shape, i, random);
        std::memcpy(value.data(), &number, std::min<size_t>(8, value.size()));
        values += value;
      }
      std::string out;
      ByteWriter writer(&out);
      writer.fixed(w);
      writer.fixed(count);
      if (kWidths[w] == 4 || kWidths[w] == 8) writer.fixed(uint16_t{50});
      const codec::Kind kind = shape == 3 && kWidths[w] == 8 ? codec::Kind::kFloat : codec::Kind::kUnsigned;
      codec::encode_fixed(as_bytes(values).data(), count, kWidths[w], kind,
                          shape % 2 == 0 ? codec::Effort::kSmall : codec::Effort::kFast, &out);
      save(root / "fixed", "w" + std::to_string(kWidths[w]) + "-" + std::to_string(shape), out);
    }
  }
}

void varlen(const std::filesystem::path& root) {
  for (unsigned shape = 0; shape < 6; ++shape) {
    const auto count = static_cast<uint16_t>(shape == 5 ? 0 : 60);
    codec::VarlenBuffer values;
    Random random(shape);
    for (uint32_t i = 0; i < count; ++i) {
      values.data += shape % 2 == 0 ? "value " + std::to_string(i % 5) : std::string(random() % 30, 'x');
      values.offsets.push_back(static_cast<int64_t>(values.data.size()));
    }
    std::string out;
    ByteWriter(&out).fixed(count);
    codec::encode_varlen(values.offsets.data(), as_bytes(values.data).data(), count,
                         shape < 3 ? codec::Effort::kSmall : codec::Effort::kFast, &out);
    save(root / "varlen", std::to_string(shape), out);
  }
}

void schema(const std::filesystem::path& root) {
  for (unsigned columns = 0; columns < 18; columns += 17) {
    Schema made;
    made.key_name = "key";
    made.time_name = "ts";
    for (unsigned i = 1; i < columns; ++i) {
      Column& column = made.columns.emplace_back();
      column.id = made.next_column_id++;
      column.name = "column " + std::to_string(i);
      column.type = static_cast<Type>(i);
      column.dimension = is_vector(column.type) ? 3 : 1;
      column.nullable = i % 2 == 0;
      if (column.type == Type::kCategory) {
        column.closed = true;
        column.declared_categories = {"red", "green"};
      }
      if (i % 4 == 0) column.default_value = Value{i % 8 != 0, std::string(i % 8 != 0 ? column.width() : 0, '\1')};
    }
    std::string out;
    encode_schema(made, &out);
    save(root / "schema", std::to_string(columns), out);
  }
}

void filter(const std::filesystem::path& root) {
  for (unsigned seed = 0; seed < 16; ++seed) {
    Random random(seed);
    std::string out;
    for (unsigned i = 0; i < 60 + seed * 20; ++i)
      out.push_back(static_cast<char>(random() % (seed % 2 == 0 ? 8 : 256)));
    save(root / "filter", std::to_string(seed), out);
  }
}

}  // namespace
}  // namespace tsfeat

int main(int count, char** arguments) {
  if (count != 2) return 2;
  const std::filesystem::path root = arguments[1];
  tsfeat::fixed(root);
  tsfeat::varlen(root);
  tsfeat::schema(root);
  tsfeat::filter(root);
  return 0;
}
