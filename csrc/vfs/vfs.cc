#include "vfs/vfs.h"

#include "base/planted.h"

namespace tsfeat {

Result<std::string> read_file(Vfs& vfs, const std::string& path, uint64_t max_bytes) {
  TSFEAT_ASSIGN(const std::unique_ptr<File> file, vfs.open(path, OpenMode::kRead));
  TSFEAT_ASSIGN(const uint64_t size, file->size());
  if (size > max_bytes) {  // before anything is allocated for it
    return Status::corruption(path + ": " + std::to_string(size) + " bytes, where at most " +
                              std::to_string(max_bytes) + " can be right");
  }
  std::string content(static_cast<size_t>(size), '\0');
  TSFEAT_TRY(file->read(0, {reinterpret_cast<uint8_t*>(content.data()), content.size()}));
  return content;
}

namespace {

Status write_synced(Vfs& vfs, const std::string& path, Bytes content) {
  TSFEAT_ASSIGN(const std::unique_ptr<File> file, vfs.open(path, OpenMode::kCreateOrTruncate));
  TSFEAT_TRY(file->write(0, content));
  if (planted("early_rename")) TSFEAT_TRY(vfs.rename(path, path.substr(0, path.find_last_of('.'))));
  return planted("manifest_sync") ? Status() : file->sync();
}

}  // namespace

Status replace_file(Vfs& vfs, const std::string& directory, const std::string& name, Bytes content) {
  const std::string path = directory + "/" + name;
  const std::string temporary = path + ".tmp";
  Status done = write_synced(vfs, temporary, content);
  if (done.ok() && !planted("early_rename")) done = vfs.rename(temporary, path);
  if (!done.ok()) {
    static_cast<void>(vfs.remove(temporary).ok());  // the first error is the one to tell
    return done;
  }
  return planted("directory_sync") ? Status() : vfs.sync_directory(directory);
}

}  // namespace tsfeat
