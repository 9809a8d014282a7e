#include "run/cursor.h"

#include <string>

#include "run/directory.h"

namespace tsfeat::run {
namespace {

class DirectoryCursor final : public KeyCursor {
 public:
  explicit DirectoryCursor(const RunFile& run) : run_(run) {}

  Result<bool> next() override {
    if (at_ + 1 < keys_) {
      ++at_;
    } else {
      if (block_ == run_.index().directory.size()) return false;
      TSFEAT_ASSIGN(expanded_, run_.load_directory(block_));
      keys_ = view().keys();
      at_ = 0;
      ++block_;
    }
    key_ = view().key(at_);
    rows_ = view().rows(at_);
    return true;
  }
  KeyView key() const override { return key_; }
  RowRange rows() const override { return rows_; }

 private:
  DirectoryView view() const { return DirectoryView(as_bytes(expanded_), run_.varlen_keys()); }

  const RunFile& run_;
  uint32_t block_ = 0;  // that comes next
  uint32_t keys_ = 0;
  uint32_t at_ = 0;
  std::string expanded_;
  KeyView key_;
  RowRange rows_;
};

}  // namespace

std::unique_ptr<KeyCursor> make_cursor(const RunFile& run) { return std::make_unique<DirectoryCursor>(run); }

}  // namespace tsfeat::run
