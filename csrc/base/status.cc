#include "base/status.h"

#include <cerrno>
#include <cstring>

namespace tsfeat {

Status Status::storage(int error_number, std::string message) {
  char words[128] = "";
  // The GNU form returns its answer, which need not be in `words`.
  const char* text = strerror_r(error_number, words, sizeof words);
  const bool full = error_number == ENOSPC || error_number == EDQUOT;
  return {full ? Code::kOutOfSpace : Code::kStorage, std::move(message) + ": " + text, error_number};
}

}  // namespace tsfeat
