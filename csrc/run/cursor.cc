#include "run/cursor.h"

#include <string>

#include "run/directory.h"

namespace tsfeat::run {
namespace {

class DirectoryCursor final : public KeyCursor {
 public:
  DirectoryCursor(const RunFile& run, const std::vector<uint32_t>* only)
      : run_(run), only_(only), blocks_(only == nullptr ? run.index().directory.size() : only->size()) {}

  Result<bool> next() override {
    if (at_ + 1 < keys_) {
      ++at_;
    } else {
      if (block_ == blocks_) return false;
      TSFEAT_ASSIGN(expanded_,
                    run_.load_directory(only_ == nullptr ? static_cast<uint32_t>(block_) : (*only_)[block_]));
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
  const std::vector<uint32_t>* const only_;
  const size_t blocks_;
  size_t block_ = 0;  // that comes next
  uint32_t keys_ = 0;
  uint32_t at_ = 0;
  std::string expanded_;
  KeyView key_;
  RowRange rows_;
};

}  // namespace

std::unique_ptr<KeyCursor> make_cursor(const RunFile& run, const std::vector<uint32_t>* only) {
  return std::make_unique<DirectoryCursor>(run, only);
}

}  // namespace tsfeat::run
