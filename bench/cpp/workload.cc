#include "workload.h"

#include <fcntl.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <sstream>
#include <stdexcept>
#include <utility>

namespace bench {
namespace {

// What follows `key` in a .npy header, which is a Python dictionary: {'descr': '<u8', 'fortran_order': False, ...}.
std::string after(const std::string& header, const std::string& key) {
  const size_t at = header.find("'" + key + "':");
  return at == std::string::npos ? "" : header.substr(at + key.size() + 3);
}

void read_fully(int file, const std::string& path, uint64_t offset, uint64_t bytes, void* out) {
  auto* to = static_cast<char*>(out);
  while (bytes > 0) {
    const ssize_t got = ::pread(file, to, bytes, static_cast<off_t>(offset));
    if (got <= 0) throw std::runtime_error(path + ": cannot read at byte " + std::to_string(offset));
    to += got;
    offset += static_cast<uint64_t>(got);
    bytes -= static_cast<uint64_t>(got);
  }
}

}  // namespace

Npy::Npy(const std::string& path) : path_(path), file_(::open(path.c_str(), O_RDONLY | O_CLOEXEC)) {
  if (file_ < 0) throw std::runtime_error(path + ": cannot open it");
  char head[12] = {};
  read_fully(file_, path, 0, sizeof head, head);
  if (std::memcmp(head, "\x93NUMPY", 6) != 0) throw std::runtime_error(path + ": not an .npy file");
  const bool long_header = head[6] >= 2;
  uint32_t header_bytes = 0;
  std::memcpy(&header_bytes, head + 8, long_header ? 4 : 2);
  data_begin_ = (long_header ? 12 : 10) + header_bytes;
  std::string header(header_bytes, '\0');
  read_fully(file_, path, long_header ? 12 : 10, header_bytes, header.data());

  const std::string type = after(header, "descr");
  const size_t open = type.find('\'');
  type_ = type.substr(open + 1, type.find('\'', open + 1) - open - 1);
  width_ = static_cast<uint32_t>(std::atoi(type_.c_str() + 2));
  const std::string shape = after(header, "shape");
  rows_ = std::strtoull(shape.c_str() + shape.find('(') + 1, nullptr, 10);
  const std::string dimensions = shape.substr(0, shape.find(')'));
  const size_t comma = dimensions.find(',');
  if (width_ == 0 || type_[0] == '>' || comma == std::string::npos ||
      dimensions.find_first_of("0123456789", comma) != std::string::npos) {
    throw std::runtime_error(path + ": only little-endian arrays of one dimension are read");
  }
}

Npy::Npy(Npy&& other) noexcept
    : path_(std::move(other.path_)),
      file_(std::exchange(other.file_, -1)),
      rows_(other.rows_),
      width_(other.width_),
      data_begin_(other.data_begin_),
      type_(std::move(other.type_)) {}

Npy::~Npy() {
  if (file_ >= 0) ::close(file_);
}

void Npy::read(uint64_t begin, uint64_t count, void* out) const {
  if (begin + count > rows_) throw std::runtime_error(path_ + ": has only " + std::to_string(rows_) + " rows");
  read_fully(file_, path_, data_begin_ + begin * width_, count * width_, out);
}

void Npy::check_width(size_t bytes) const {
  if (bytes != width_) throw std::runtime_error(path_ + ": elements of " + std::to_string(width_) + " bytes");
}

Workload::Workload(std::string directory, const std::string& column_names)
    : directory_(std::move(directory)), users_(open("user")), times_(open("ts")) {
  for (const std::string& name : split(column_names)) {
    files_.push_back(open(name));
    columns_.push_back({name, files_.back().type_name(), files_.back().width()});
  }
  column_room_.resize(columns_.size());
  events_.columns.resize(columns_.size());
}

int Workload::position(const std::string& name) const {
  if (name == "ts") return -1;
  for (size_t i = 0; i < columns_.size(); ++i) {
    if (columns_[i].name == name) return static_cast<int>(i);
  }
  throw std::runtime_error("the workload has no column " + name);
}

const Events& Workload::read(uint64_t begin, uint64_t rows, int64_t shift) {
  user_room_.resize(rows);
  time_room_.resize(rows);
  users_.read(begin, rows, user_room_.data());
  times_.read(begin, rows, time_room_.data());
  if (shift != 0) {
    for (int64_t& time : time_room_) time += shift;
  }
  events_.rows = rows;
  events_.users = user_room_.data();
  events_.times = time_room_.data();
  for (size_t i = 0; i < columns_.size(); ++i) {
    column_room_[i].resize(rows * columns_[i].width);
    files_[i].read(begin, rows, column_room_[i].data());
    events_.columns[i] = column_room_[i].data();
  }
  return events_;
}

std::vector<std::string> split(const std::string& text, char separator) {
  std::vector<std::string> out;
  if (text == "-") return out;
  std::istringstream stream(text);
  for (std::string part; std::getline(stream, part, separator);) out.push_back(part);
  return out;
}

}  // namespace bench
