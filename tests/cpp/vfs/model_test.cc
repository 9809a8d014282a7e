// The same random operations on the real file system and on the one in memory: every answer is the same, and so is what
// is there in the end. Seeds are fixed, so a failure repeats.
#include <gtest/gtest.h>

#include <array>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "vfs/memory.h"
#include "vfs/temporary_directory.h"
#include "vfs/vfs.h"

namespace tsfeat {
namespace {

// One side: a Vfs, and the files that are open in it.
struct Side {
  Vfs* vfs;
  std::string root;
  std::array<std::unique_ptr<File>, 4> files{};
  std::array<std::unique_ptr<FileLock>, 2> locks{};
};

struct Step {
  unsigned action;
  std::string path;
  std::string other;
  OpenMode mode;
  size_t slot;
  uint64_t offset;
  std::string data;
};

std::string words(const Status& status) {
  if (status.ok()) return "ok";
  return std::to_string(static_cast<int>(status.code())) + "/" + std::to_string(status.error_number());
}

std::string list(Side& side, const std::string& path) {
  const auto names = side.vfs->list(path);
  if (!names.ok()) return words(names.status());
  std::string all;
  for (const std::string& name : *names) all += name + ",";
  return all;
}

std::string on_open_file(File& file, const Step& step) {
  switch (step.action) {
    case 0:
    case 1:
      return words(file.write(step.offset, as_bytes(step.data)));
    case 2: {
      std::vector<uint8_t> room(step.data.size());
      const Status status = file.read(step.offset, room);
      return words(status) + (status.ok() ? std::string(room.begin(), room.end()) : "");
    }
    case 3:
      return words(file.truncate(step.offset));
    case 4:
      return words(file.allocate(step.offset));
    case 5:
      return words(file.sync());
    default:
      return std::to_string(*file.size());
  }
}

std::string on_names(Side& side, const Step& step) {
  const std::string path = side.root + step.path;
  const std::string other = side.root + step.other;
  switch (step.action) {
    case 7:
    case 8: {
      auto file = side.vfs->open(path, step.mode);
      if (file.ok()) side.files[step.slot] = std::move(*file);
      return words(file.status());
    }
    case 9:
      return words(side.vfs->rename(path, other));
    case 10:
      return words(side.vfs->remove(path));
    case 11:
      return words(side.vfs->link(path, other));
    case 12:
      return words(side.vfs->make_directory(path));
    case 13:
      return words(side.vfs->sync_directory(path));
    case 14:
      return list(side, path);
    case 15: {
      const auto exists = side.vfs->exists(path);
      return exists.ok() ? std::to_string(*exists) : words(exists.status());
    }
    default: {
      side.locks[step.slot % 2].reset();
      auto lock = side.vfs->lock(side.root + "/lock" + std::to_string(step.offset % 2));
      if (lock.ok()) side.locks[step.slot % 2] = std::move(*lock);
      return words(lock.status());
    }
  }
}

std::string act(Side& side, const Step& step) {
  if (step.action >= 7) return on_names(side, step);
  const auto& file = side.files[step.slot];
  return file == nullptr ? "closed" : on_open_file(*file, step);
}

Step draw(std::mt19937& random) {
  static const std::vector<std::string> kPaths = {"/a", "/b", "/d", "/e", "/d/a", "/d/b", "/d/e", "/e/a", "/d/e/a", ""};
  Step step;
  step.action = static_cast<unsigned>(random() % 17);
  step.path = kPaths[random() % kPaths.size()];
  step.other = kPaths[random() % (kPaths.size() - 1)];
  step.mode = static_cast<OpenMode>(random() % 4);
  step.slot = random() % 4;
  step.offset = random() % 3 == 0 ? random() % 5000 : random() % 600;
  step.data.resize(random() % 1500);
  for (char& byte : step.data) byte = static_cast<char>('a' + random() % 26);
  return step;
}

// Every name below the root, with the content of the files.
void describe(Side& side, const std::string& path, std::string* out) {
  const auto names = side.vfs->list(side.root + path);
  ASSERT_TRUE(names.ok()) << names.status().message();
  for (const std::string& name : *names) {
    const std::string inner = path + "/" + name;
    *out += inner;
    if (side.vfs->list(side.root + inner).ok()) {
      *out += "/\n";
      describe(side, inner, out);
    } else if (name.starts_with("lock")) {
      *out += "\n";  // holds a process id on the real disk alone
    } else {
      const auto content = read_file(*side.vfs, side.root + inner, 1 << 20);
      *out += "=" + (content.ok() ? *content : content.status().message()) + "\n";
    }
  }
}

TEST(VfsModel, PosixAndMemoryAnswerAlike) {
  for (unsigned seed = 0; seed < 40; ++seed) {
    const TemporaryDirectory directory;
    const auto memory = MemoryVfs::create(seed);
    ASSERT_TRUE(memory->make_directory("/root").ok());
    Side real{Vfs::posix(), directory.path()};
    Side simulated{memory.get(), "/root"};
    std::mt19937 random(seed);
    for (int i = 0; i < 300; ++i) {
      Step step = draw(random);
      if (step.path.empty() && (step.action == 9 || step.action == 10)) continue;  // the root stays
      ASSERT_EQ(act(simulated, step), act(real, step))
          << "seed " << seed << " step " << i << ": action " << step.action << " " << step.path << " " << step.other;
    }
    std::string expected;
    std::string found;
    describe(real, "", &expected);
    describe(simulated, "", &found);
    ASSERT_EQ(found, expected) << seed;
  }
}

}  // namespace
}  // namespace tsfeat
