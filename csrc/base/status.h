// Errors as values. Every fallible function of the engine returns a Status, or a Result<T> when it also has a value;
// exceptions exist only in the `bind` room (and std::bad_alloc, which only `bind` handles; the engine lets it pass).
//
// A message says what was wrong, where (table, column, row; or file and offset), and what to do.
#pragma once

#include <optional>
#include <string>
#include <utility>

namespace tsfeat {

// One per error class of the public surface.
enum class Code : unsigned char {
  kOk,
  kSchema,      // bad input or arguments
  kNotFound,    // unknown table, column or store
  kLocked,      // another process writes
  kClosed,      // use after close, or after fork
  kRetention,   // a read that stands before the horizon
  kCorruption,  // damaged bytes: names file and offset
  kStorage,     // the operating system refused: carries errno
  kOutOfSpace,  // ENOSPC or EDQUOT: carries errno
  kPoisoned,    // a log write or fsync failed earlier; writes are refused
};

class [[nodiscard]] Status {
 public:
  Status() = default;
  Status(Code code, std::string message, int error_number = 0)
      : code_(code), error_number_(error_number), message_(std::move(message)) {}

  static Status schema(std::string message) { return {Code::kSchema, std::move(message)}; }
  static Status not_found(std::string message) { return {Code::kNotFound, std::move(message)}; }
  static Status closed(std::string message) { return {Code::kClosed, std::move(message)}; }
  static Status retention(std::string message) { return {Code::kRetention, std::move(message)}; }
  static Status corruption(std::string message) { return {Code::kCorruption, std::move(message)}; }
  // kOutOfSpace for ENOSPC and EDQUOT, kStorage otherwise; the message gets strerror's words appended.
  static Status storage(int error_number, std::string message);

  bool ok() const { return code_ == Code::kOk; }
  Code code() const { return code_; }
  int error_number() const { return error_number_; }
  const std::string& message() const { return message_; }

 private:
  Code code_ = Code::kOk;
  int error_number_ = 0;
  std::string message_;
};

template <typename T>
class [[nodiscard]] Result {
 public:
  Result(T value) : value_(std::move(value)) {}          // NOLINT: a value is a result
  Result(Status status) : status_(std::move(status)) {}  // NOLINT: so is an error
  bool ok() const { return status_.ok(); }
  const Status& status() const { return status_; }
  T& operator*() { return *value_; }
  const T& operator*() const { return *value_; }
  T* operator->() { return &*value_; }
  const T* operator->() const { return &*value_; }

 private:
  Status status_;
  std::optional<T> value_;
};

}  // namespace tsfeat

#define TSFEAT_CONCAT_(a, b) a##b
#define TSFEAT_CONCAT(a, b) TSFEAT_CONCAT_(a, b)

// Leaves the function with the error, if there is one.
#define TSFEAT_TRY(expression)                                                              \
  do {                                                                                      \
    if (::tsfeat::Status try_status_ = (expression); !try_status_.ok()) return try_status_; \
  } while (false)

// TSFEAT_ASSIGN(auto x, compute()): leaves with the error of a Result, or takes its value.
#define TSFEAT_ASSIGN(target, expression) TSFEAT_ASSIGN_(TSFEAT_CONCAT(result_, __LINE__), target, expression)
#define TSFEAT_ASSIGN_(name, target, expression) \
  auto name = (expression);                      \
  if (!name.ok()) return name.status();          \
  target = std::move(*name)
