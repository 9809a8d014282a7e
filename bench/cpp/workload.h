// The bench's workload as its C++ programs see it: .npy files of one dimension, read piece by piece, so that what a
// system is fed does not count as its memory.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace bench {

// One .npy file of one dimension, little-endian. Throws std::runtime_error, naming the file, if it is anything else.
class Npy {
 public:
  explicit Npy(const std::string& path);
  Npy(Npy&& other) noexcept;
  Npy(const Npy&) = delete;
  ~Npy();

  uint64_t rows() const { return rows_; }
  uint32_t width() const { return width_; }               // bytes of an element
  const std::string& type_name() const { return type_; }  // as in numpy: "<u8", "|u1", "<f4", "|S16"
  void read(uint64_t begin, uint64_t count, void* out) const;
  template <typename T>
  std::vector<T> load(uint64_t begin, uint64_t count) const {
    check_width(sizeof(T));
    std::vector<T> out(count);
    read(begin, count, out.data());
    return out;
  }

 private:
  void check_width(size_t bytes) const;

  std::string path_;
  int file_ = -1;
  uint64_t rows_ = 0;
  uint32_t width_ = 0;
  uint64_t data_begin_ = 0;
  std::string type_;
};

// A column besides the key (`user`) and the time (`ts`).
struct ColumnInfo {
  std::string name;
  std::string type_name;
  uint32_t width = 0;
};

// Some consecutive events, a column each.
struct Events {
  uint64_t rows = 0;
  const uint64_t* users = nullptr;
  const int64_t* times = nullptr;
  std::vector<const uint8_t*> columns;
};

class Workload {
 public:
  // column_names: those besides user and ts, separated by commas.
  Workload(std::string directory, const std::string& column_names);

  const std::vector<ColumnInfo>& columns() const { return columns_; }
  uint64_t events() const { return users_.rows(); }
  // Position among columns(), or -1 for "ts".
  int position(const std::string& name) const;
  Npy open(const std::string& name) const { return Npy(directory_ + "/" + name + ".npy"); }

  // Events begin .. begin + rows, their times moved by `shift`; valid until the next call.
  const Events& read(uint64_t begin, uint64_t rows, int64_t shift);

 private:
  std::string directory_;
  std::vector<ColumnInfo> columns_;
  Npy users_;
  Npy times_;
  std::vector<Npy> files_;

  Events events_;
  std::vector<uint64_t> user_room_;
  std::vector<int64_t> time_room_;
  std::vector<std::vector<uint8_t>> column_room_;
};

// "a,b" to {"a", "b"}; "" and "-" to {}.
std::vector<std::string> split(const std::string& text, char separator = ',');

}  // namespace bench
