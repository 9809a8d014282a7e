// The entry points of libFuzzer (with TSFEAT_LIBFUZZER), or a main() of our own:
//
//   <target> [-runs=N] [-seed=S] corpus...
//
// runs every file of the corpus once, then N mutations of them. An input that ends badly is left in the working
// directory as `crash-input`.
#include <fcntl.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <string>

#include "fuzz.h"

#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/common_interface_defs.h>
#endif

namespace {

using tsfeat::Bytes;
using tsfeat::fuzz::mend;
using tsfeat::fuzz::test_one;
using Input = std::vector<uint8_t>;

constexpr uint32_t kUnmendedShare = 8;  // one in so many keeps the checksums that the mutation left

}  // namespace

#ifdef TSFEAT_LIBFUZZER

extern "C" size_t LLVMFuzzerMutate(uint8_t* data, size_t size, size_t max_size);

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  test_one({data, size});
  return 0;
}

extern "C" size_t LLVMFuzzerCustomMutator(uint8_t* data, size_t size, size_t max_size, unsigned seed) {
  size = LLVMFuzzerMutate(data, size, max_size);
  if (seed % kUnmendedShare == 0) return size;
  Input input(data, data + size);
  mend(&input);  // which keeps the size
  std::memcpy(data, input.data(), size);
  return size;
}

#else

namespace {

using Random = std::mt19937_64;

constexpr size_t kMostInputBytes = 1 << 16;

Input read(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return Input(std::istreambuf_iterator<char>(file), {});
}

size_t place(Random& random, const Input& input) { return input.empty() ? 0 : random() % input.size(); }

// One change of the kinds that parsers trip over: bits, lengths, pieces moved, cut or doubled.
void change(Random& random, const Input& other, Input* input) {
  const size_t at = place(random, *input);
  const size_t room = input->size() - at;
  switch (random() % 8) {
    case 0:
      if (room > 0) (*input)[at] ^= static_cast<uint8_t>(1U << (random() % 8));
      break;
    case 1:
      if (room > 0) (*input)[at] = static_cast<uint8_t>(random());
      break;
    case 2: {  // a number that is on the edge
      static constexpr uint64_t kEdges[] = {
          0, 1, 0x7f, 0x80, 0xff, 0xffff, 0x7fffffff, 0xffffffff, ~uint64_t{0} >> 1, ~uint64_t{0}};
      const uint64_t value = kEdges[random() % std::size(kEdges)];
      std::memcpy(input->data() + at, &value, std::min<size_t>(room, size_t{1} << (random() % 4)));
      break;
    }
    case 3:
      input->resize(at);
      break;
    case 4:
      input->erase(input->begin() + static_cast<ptrdiff_t>(at),
                   input->begin() + static_cast<ptrdiff_t>(at + random() % (room + 1)));
      break;
    case 5: {
      const Input piece(input->begin() + static_cast<ptrdiff_t>(at),
                        input->begin() + static_cast<ptrdiff_t>(at + random() % (room + 1)));
      input->insert(input->begin() + static_cast<ptrdiff_t>(place(random, *input)), piece.begin(), piece.end());
      break;
    }
    case 6: {
      const size_t from = place(random, other);
      const size_t count = std::min<size_t>(room, random() % (other.size() - from + 1));
      std::copy_n(other.begin() + static_cast<ptrdiff_t>(from), count, input->begin() + static_cast<ptrdiff_t>(at));
      break;
    }
    default:
      if (room > 0) (*input)[at] = static_cast<uint8_t>((*input)[at] + (random() % 2 == 0 ? 1 : 255));
  }
  if (input->size() > kMostInputBytes) input->resize(kMostInputBytes);
}

Bytes running;  // for whoever finds out that it was the last

// On the way out, with nothing but system calls.
void save_running() {
  const int file = open("crash-input", O_WRONLY | O_CREAT | O_TRUNC, 0644);
  if (file < 0 || write(file, running.data(), running.size()) < 0) return;
  close(file);
}

void on_signal(int number) {
  save_running();
  std::signal(number, SIG_DFL);
  std::raise(number);
}

void run(const Input& input) {
  running = input;
  test_one(input);
}

}  // namespace

int main(int count, char** arguments) {
  uint64_t runs = 0;
  uint64_t seed = 1;
  std::vector<Input> corpus;
  for (int i = 1; i < count; ++i) {
    const std::string argument = arguments[i];
    if (argument.starts_with("-runs=")) {
      runs = std::stoull(argument.substr(6));
    } else if (argument.starts_with("-seed=")) {
      seed = std::stoull(argument.substr(6));
    } else {
      for (const auto& entry : std::filesystem::recursive_directory_iterator(argument)) {
        if (entry.is_regular_file()) corpus.push_back(read(entry.path()));
      }
    }
  }
  if (corpus.empty()) {
    std::fprintf(stderr, "no corpus: name a directory with files in it\n");
    return 2;
  }
  for (const int number : {SIGSEGV, SIGBUS, SIGFPE, SIGABRT}) std::signal(number, on_signal);
#ifdef __SANITIZE_ADDRESS__
  __sanitizer_set_death_callback(save_running);
#endif
  for (const Input& input : corpus) run(input);
  const auto start = std::chrono::steady_clock::now();
  Random random(seed);
  for (uint64_t i = 0; i < runs; ++i) {
    Input input = corpus[random() % corpus.size()];
    for (uint64_t changes = 1 + random() % 4; changes > 0; --changes)
      change(random, corpus[random() % corpus.size()], &input);
    if (random() % kUnmendedShare != 0) mend(&input);
    run(input);
  }
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  std::printf("%zu corpus files and %llu mutations (seed %llu), %.1f s\n", corpus.size(),
              static_cast<unsigned long long>(runs), static_cast<unsigned long long>(seed), seconds);
  return 0;
}

#endif
