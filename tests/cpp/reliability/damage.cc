// Files that changed behind the store's back: one bit, an end cut off, blocks and files that are not what they were.
// The store must be what it was, or say that it is damaged, and where; what is undamaged must stay readable.

#include <algorithm>
#include <cerrno>

#include "catalog/manifest.h"
#include "reliability/trial.h"
#include "vfs/fault.h"

namespace tsfeat::reliability {
namespace {

using Files = std::map<std::string, std::string>;

// A small store on a disk, what it holds, and how its files were a while ago.
struct Sample {
  std::unique_ptr<MemoryVfs> disk;
  Oracle oracle;
  Files files;  // of the store's directory but for LOCK
  Files older;
  bool closed = false;  // no log: every byte is under a checksum that must hold
  std::map<std::string, std::string> tables_of_runs;
};

Files files_of(const MemoryVfs& disk) {
  Files files = disk.files();
  std::erase_if(files, [](const auto& file) {
    return !file.first.starts_with(std::string("/") + kStorePath + "/") || file.first.ends_with("LOCK") ||
           file.second.empty();
  });
  return files;
}

std::string base_name(const std::string& path) { return path.substr(path.find_last_of('/') + 1); }

Sample make_sample(uint64_t seed, const Clock& clock, Report* report) {
  constexpr uint64_t kSteps = 14;
  Sample sample;
  sample.disk = MemoryVfs::create(seed);
  sample.closed = seed % 4 != 3;
  Habits habits = habits_of(seed);
  habits.checkpoint = 0;
  habits.large_append = seed % 16 == 6 ? 6 : 0;
  {
    const std::unique_ptr<FaultVfs> faulty = FaultVfs::create(sample.disk.get());
    Life life(*faulty, clock, sample.oracle, seed, habits);
    Status status;
    for (uint64_t step = 0; step < kSteps && status.ok(); ++step) {
      if (step == kSteps / 2) sample.older = files_of(*sample.disk);
      status = life.step();
    }
    if (status.ok() && sample.closed) status = life.store() != nullptr ? life.close() : Status{};
    if (!status.ok()) report->fail("refused", "store " + std::to_string(seed) + ": " + status.message());
    faulty->fail_after(1, EIO, false);
  }
  // Everything has reached the disk, as long after.
  sample.disk = sample.disk->power_loss(Survival::kAll);
  sample.files = files_of(*sample.disk);
  if (const Result<Manifest> manifest = load_manifest(*sample.disk, kStorePath); manifest.ok()) {
    for (const TableRecord& table : manifest->tables) {
      for (const RunMeta& run : table.runs) sample.tables_of_runs[run_name(run.number)] = table.name;
    }
  }
  return sample;
}

bool names_place(const Status& status) {
  const std::string& message = status.message();
  const bool file = message.find(".run") != std::string::npos || message.find(".log") != std::string::npos ||
                    message.find("MANIFEST") != std::string::npos;
  return file && message.find("offset") != std::string::npos;
}

class Examiner {
 public:
  Examiner(const Clock& clock, Report* report) : clock_(clock), report_(report) {}

  // Opens the store after `hurt` changed its disk. damaged: the files that are not what they were.
  void look(const Sample& sample, const std::vector<std::string>& damaged, const std::string& name, Random& random,
            const std::function<void(MemoryVfs&)>& hurt) {
    report_->count("trials");
    const std::unique_ptr<MemoryVfs> disk = sample.disk->power_loss(Survival::kAll);
    hurt(*disk);
    const std::unique_ptr<FaultVfs> faulty = FaultVfs::create(disk.get());
    const Result<std::shared_ptr<Store>> store = Store::open(*faulty, clock_, kStorePath, true, small_options());
    if (!store.ok()) return refused(store.status(), name);
    const bool logs = std::any_of(damaged.begin(), damaged.end(),
                                  [](const std::string& file) { return log_number(base_name(file)).has_value(); });
    const Verdict verdict = sample.oracle.judge(**store, !logs, random);
    switch (verdict.kind) {
      case Verdict::Kind::kRight:
        report_->count("harmless");
        break;
      case Verdict::Kind::kRefused:
        report_->count("refused_reads");
        if (verdict.why.find("offset") == std::string::npos) report_->fail("vague", name + ": " + verdict.why);
        others(sample, **store, damaged, name);
        break;
      default:
        note(verdict, name, report_);
    }
    if (!logs) verify(**store, name);
    faulty->fail_after(1, EIO, false);
  }

 private:
  void refused(const Status& status, const std::string& name) {
    report_->count("refused_opens");
    const bool known = status.code() == Code::kCorruption || status.code() == Code::kNotFound;
    if (!known) report_->fail("wrong_error", name + ": " + status.message());
    if (status.code() == Code::kCorruption && !names_place(status))
      report_->fail("vague", name + ": " + status.message());
  }
  void verify(Store& store, const std::string& name) {
    const Result<VerifyReport> found = store.verify({});
    if (!found.ok()) return report_->fail("wrong_error", name + ", verify: " + found.status().message());
    if (found->problems.empty()) report_->fail("unverified", name + ": verify() finds nothing");
  }
  void others(const Sample& sample, Store& store, const std::vector<std::string>& damaged, const std::string& name) {
    if (!sample.closed) return;
    for (const auto& [table, model] : sample.oracle.attempted().tables) {
      const bool hurt = std::any_of(damaged.begin(), damaged.end(), [&](const std::string& file) {
        const auto at = sample.tables_of_runs.find(base_name(file));
        return at == sample.tables_of_runs.end() || at->second == table;
      });
      if (hurt) continue;
      const Verdict verdict = sample.oracle.judge_table(store, table);
      if (verdict.kind != Verdict::Kind::kRight) report_->fail("unreadable", name + ": " + verdict.why);
    }
  }

  const Clock& clock_;
  Report* const report_;
};

void declare(Report* report) {
  declare_zeros(report);
  for (const char* what : {"wrong_error", "vague", "unverified", "unreadable"}) report->count(what, 0);
}

void put(MemoryVfs& disk, const std::string& path, const std::string& content) {
  static_cast<void>(disk.write_file(path, as_bytes(content)).ok());  // in memory, into a directory that is there
}

}  // namespace

void flipped_bits(const Settings& settings, Report* report) {
  declare(report);
  ManualClock clock(kNow);
  Examiner examiner(clock, report);
  Random random(settings.seed);
  for (uint64_t seed = settings.seed * 1'000; report->of("trials") < settings.trials; ++seed) {
    const Sample sample = make_sample(seed, clock, report);
    report->count("stores");
    for (const auto& [path, content] : sample.files) {
      for (uint64_t bit = 0; bit < content.size() * 8 && report->of("trials") < settings.trials; ++bit) {
        std::string hurt = content;
        hurt[bit / 8] = static_cast<char>(hurt[bit / 8] ^ (1 << bit % 8));
        const std::string name = "store " + std::to_string(seed) + path + ", bit " + std::to_string(bit);
        examiner.look(sample, {path}, name, random, [&](MemoryVfs& disk) { put(disk, path, hurt); });
      }
    }
  }
}

namespace {

constexpr size_t kBlock = 64;  // the files are small

class Damage {
 public:
  Damage(uint64_t seed, const Clock& clock, uint64_t trials, Random& random, Report* report)
      : seed_(seed),
        sample_(make_sample(seed, clock, report)),
        examiner_(clock, report),
        trials_(trials),
        random_(random),
        report_(report) {}

  void all() {
    for (const auto& [path, content] : sample_.files) {
      for (size_t bytes = 0; bytes < content.size(); ++bytes) content_becomes(path, content.substr(0, bytes), "cut");
      for (size_t at = 0; at < content.size(); at += kBlock) blocks(path, content, at);
      missing(path);
    }
    exchanged();
  }

 private:
  void blocks(const std::string& path, const std::string& content, size_t at) {
    const size_t count = std::min(kBlock, content.size() - at);
    const auto with = [&](const std::string& block) {
      std::string hurt = content;
      return hurt.replace(at, std::min(count, block.size()), block, 0, count);
    };
    content_becomes(path, with(std::string(count, '\0')), "zeroed");
    content_becomes(path, with(std::string(count, '\xff')), "ones");
    std::string noise(count, '\0');
    for (char& byte : noise) byte = static_cast<char>(random_.next());
    content_becomes(path, with(noise), "garbage");
    for (size_t other = at + kBlock; other + kBlock <= content.size(); other += kBlock) {
      std::string hurt = content;
      std::swap_ranges(hurt.begin() + static_cast<std::ptrdiff_t>(at),
                       hurt.begin() + static_cast<std::ptrdiff_t>(at + kBlock),
                       hurt.begin() + static_cast<std::ptrdiff_t>(other));
      content_becomes(path, hurt, "swapped");
    }
    for (const auto& [other, theirs] : sample_.files) {
      if (other != path && theirs.size() > at) content_becomes(path, with(theirs.substr(at, count)), "misdirected");
    }
    const auto stale = sample_.older.find(path);
    if (stale != sample_.older.end() && stale->second.size() > at) {
      content_becomes(path, with(stale->second.substr(at, count)), "stale");
    }
    content_becomes(path, content + content.substr(at, count), "grown");
  }

  void content_becomes(const std::string& path, const std::string& hurt, const char* how) {
    const std::string& content = sample_.files.at(path);
    // A log may end in zeros, and may have lost some of them.
    if (hurt == content || report_->of("trials") >= trials_) return;
    if (log_number(base_name(path)) && trimmed(hurt) == trimmed(content)) return;
    report_->count(how);
    examiner_.look(sample_, {path}, named(how, path), random_, [&](MemoryVfs& disk) { put(disk, path, hurt); });
  }

  void missing(const std::string& path) {
    if (report_->of("trials") >= trials_) return;
    if (base_name(path) == "MANIFEST") return;  // then there is no store, and a writer makes one
    report_->count("missing");
    examiner_.look(sample_, {path}, named("missing", path), random_,
                   [&](MemoryVfs& disk) { static_cast<void>(disk.remove(path).ok()); });
  }

  void exchanged() {
    for (auto a = sample_.files.begin(); a != sample_.files.end(); ++a) {
      for (auto b = std::next(a); b != sample_.files.end(); ++b) {
        if (report_->of("trials") >= trials_) return;
        report_->count("exchanged");
        examiner_.look(sample_, {a->first, b->first}, named("exchanged", a->first + b->first), random_,
                       [&](MemoryVfs& disk) {
                         put(disk, a->first, b->second);
                         put(disk, b->first, a->second);
                       });
      }
    }
  }

  static std::string_view trimmed(const std::string& content) {
    return std::string_view(content).substr(0, content.find_last_not_of('\0') + 1);
  }
  std::string named(const char* how, const std::string& path) const {
    return "store " + std::to_string(seed_) + path + ", " + how + ", trial " + std::to_string(report_->of("trials"));
  }

  const uint64_t seed_;
  const Sample sample_;
  Examiner examiner_;
  const uint64_t trials_;
  Random& random_;
  Report* const report_;
};

}  // namespace

void damage(const Settings& settings, Report* report) {
  declare(report);
  ManualClock clock(kNow);
  Random random(settings.seed);
  for (uint64_t seed = settings.seed * 1'000; report->of("trials") < settings.trials; ++seed) {
    Damage(seed, clock, settings.trials, random, report).all();
    report->count("stores");
  }
}

}  // namespace tsfeat::reliability
