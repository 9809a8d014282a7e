#include "worker.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <exception>
#include <iostream>
#include <sstream>
#include <stdexcept>
#include <thread>

namespace bench {
namespace {

using Clock = std::chrono::steady_clock;
int64_t ns_since(Clock::time_point began) {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(Clock::now() - began).count();
}
double seconds_since(Clock::time_point began) { return static_cast<double>(ns_since(began)) / 1e9; }

// JSON, a piece at a time.
std::string number(double value) {
  std::ostringstream out;
  out.precision(12);
  out << value;
  return out.str();
}

template <typename T>
std::string list(const std::vector<T>& values) {
  std::ostringstream out;
  out << '[';
  for (size_t i = 0; i < values.size(); ++i) out << (i == 0 ? "" : ",") << values[i];
  out << ']';
  return out.str();
}

std::string text(const std::string& value) {
  std::string out(1, '"');
  for (const char c : value) {
    if (c == '"' || c == '\\') out += '\\';
    out += static_cast<unsigned char>(c) < ' ' ? ' ' : c;
  }
  return out += '"';
}

std::string object(std::initializer_list<std::pair<const char*, std::string>> fields) {
  std::string out;
  for (const auto& [name, value] : fields)
    out.append(out.empty() ? "{" : ",").append(text(name)).append(":").append(value);
  return out += '}';
}

class Worker {
 public:
  Worker(Workload workload, const std::string& store, const std::string& layout, const MakeSystem& make)
      : workload_(std::move(workload)), system_(make(workload_, store, layout)) {}

  std::string obey(const std::string& command, std::istringstream& arguments) {
    const auto began = Clock::now();
    if (command == "open")
      system_->open();
    else if (command == "close")
      system_->close();
    else if (command == "finish")
      system_->finish();
    else if (command == "ingest")
      return ingest(arguments);
    else if (command == "rows" || command == "join")
      return ask(command == "join", arguments);
    else if (command == "scan")
      return scan(arguments);
    else if (command == "concurrent")
      return concurrent(arguments);
    else
      throw std::runtime_error("no such command: " + command);
    return object({{"seconds", number(seconds_since(began))}});
  }

 private:
  std::vector<int> positions(const std::string& names) const {
    std::vector<int> out;
    for (const std::string& name : split(names)) out.push_back(workload_.position(name));
    return out;
  }

  std::string ingest(std::istringstream& arguments) {
    uint64_t batch = 0, limit = 0;
    bool sync = false;
    arguments >> batch >> sync >> limit;
    const uint64_t events = limit == 0 ? workload_.events() : std::min(limit, workload_.events());
    const uint64_t report_every = std::max(events / 200, batch);
    int64_t ns = 0;
    std::vector<std::string> progress{list<double>({0, 0})};
    uint64_t reported = 0;
    for (uint64_t begin = 0; begin < events; begin += batch) {
      const Events& piece = workload_.read(begin, std::min(batch, events - begin), 0);
      const auto began = Clock::now();
      system_->append(piece, sync);
      ns += ns_since(began);
      if (begin + piece.rows - reported >= report_every) {
        reported = begin + piece.rows;
        progress.push_back(list<std::string>({number(static_cast<double>(ns) / 1e9), std::to_string(reported)}));
      }
    }
    return object({{"events", std::to_string(events)},
                   {"seconds", number(static_cast<double>(ns) / 1e9)},
                   {"progress", list(progress)}});
  }

  std::string ask(bool join, std::istringstream& arguments) {
    std::string users_file, before_file, types, columns;
    uint64_t begin = 0, queries = 0;
    bool check = true;
    Question question;
    arguments >> users_file >> before_file >> begin >> queries >> question.rows >> question.n >> types >> columns >>
        check;
    for (const std::string& type : split(types)) question.types.push_back(static_cast<uint8_t>(std::stoi(type)));
    question.columns = positions(columns);
    const uint64_t rows = queries * question.rows;
    const std::vector<uint64_t> users = workload_.open(users_file).load<uint64_t>(begin, rows);
    std::vector<int64_t> before;
    if (before_file != "-") before = workload_.open(before_file).load<int64_t>(begin, rows);

    std::vector<int64_t> times;
    uint64_t events = 0, checksum = 0;
    for (uint64_t query = 0; query < queries; ++query) {
      question.users = users.data() + query * question.rows;
      question.before = before.empty() ? nullptr : before.data() + query * question.rows;
      if (join) {
        times.push_back(ask_join(question, check, &events, &checksum));
        continue;
      }
      const auto began = Clock::now();
      system_->read(question, &answer_);
      times.push_back(ns_since(began));
      events += answer_.events();
      if (check) checksum += checked_rows(0);
      system_->release();
    }
    return answers(times, events, checksum);
  }

  int64_t ask_join(const Question& question, bool check, uint64_t* events, uint64_t* checksum) {
    auto began = Clock::now();
    system_->begin_join(question);
    int64_t ns = ns_since(began);
    for (uint64_t done = 0;;) {
      began = Clock::now();
      system_->next_join(&answer_);
      ns += ns_since(began);
      if (answer_.rows == 0) return ns;
      *events += answer_.events();
      if (check) *checksum += checked_rows(done);
      done += answer_.rows;
      system_->release();
    }
  }

  uint64_t checked_rows(uint64_t first_row) {
    system_->make_plain(&answer_);
    return rows_checksum(answer_, first_row);
  }

  std::string scan(std::istringstream& arguments) {
    std::string columns;
    bool check = true;
    arguments >> columns >> check;
    auto began = Clock::now();
    system_->begin_scan(positions(columns));
    int64_t ns = ns_since(began);
    for (uint64_t events = 0, checksum = 0;;) {
      began = Clock::now();
      system_->next_scan(&answer_);
      ns += ns_since(began);
      if (answer_.rows == 0) return answers({ns}, events, checksum);
      events += answer_.events();
      if (check) {
        system_->make_plain(&answer_);
        checksum += scan_checksum(answer_);
      }
      system_->release();
    }
  }

  std::string concurrent(std::istringstream& arguments) {
    std::string users_file, columns;
    uint64_t begin = 0, queries = 0;
    Question question;
    double rate = 0, seconds = 0;
    arguments >> users_file >> begin >> queries >> question.n >> columns >> rate >> seconds;
    if (!system_->reads_while_appending()) throw std::runtime_error("unsupported");
    question.rows = 1;
    question.columns = positions(columns);
    const std::vector<uint64_t> users = workload_.open(users_file).load<uint64_t>(begin, queries);
    const std::vector<int64_t> idle = read_for(users, question, seconds);
    std::atomic<bool> stop = false;
    std::exception_ptr failure;
    double reached = 0;
    std::thread writer([&] {
      try {
        reached = write_at(rate, stop);
      } catch (...) {
        failure = std::current_exception();
      }
    });
    const std::vector<int64_t> busy = read_for(users, question, seconds);
    stop = true;
    writer.join();
    if (failure) std::rethrow_exception(failure);
    return object({{"idle_ns", list(idle)}, {"busy_ns", list(busy)}, {"rate", number(reached)}});
  }

  std::vector<int64_t> read_for(const std::vector<uint64_t>& users, Question question, double seconds) {
    std::vector<int64_t> out;
    const auto start = Clock::now();
    for (size_t i = 0; seconds_since(start) < seconds; i = (i + 1) % users.size()) {
      question.users = &users[i];
      const auto began = Clock::now();
      system_->read(question, &answer_);
      out.push_back(ns_since(began));
      system_->release();
    }
    return out;
  }

  // Appends the workload again, moved behind its end, in batches of 1,000 at an even pace. Returns the rate it reached.
  double write_at(double rate, const std::atomic<bool>& stop) {
    constexpr uint64_t kBatch = 1000;
    const Npy times = workload_.open("ts");
    int64_t low = INT64_MAX, high = INT64_MIN;
    for (uint64_t at = 0; at < times.rows(); at += 1 << 20) {
      for (const int64_t time : times.load<int64_t>(at, std::min<uint64_t>(1 << 20, times.rows() - at))) {
        low = std::min(low, time);
        high = std::max(high, time);
      }
    }
    const int64_t span = high - low + 1;
    const auto start = Clock::now();
    uint64_t written = 0;
    for (int64_t shift = span; !stop; shift += span) {
      for (uint64_t begin = 0; begin + kBatch <= workload_.events() && !stop; begin += kBatch) {
        system_->append(workload_.read(begin, kBatch, shift), false);
        written += kBatch;
        const double ahead = static_cast<double>(written) / rate - seconds_since(start);
        if (ahead > 0) std::this_thread::sleep_for(std::chrono::duration<double>(ahead));
      }
    }
    return static_cast<double>(written) / seconds_since(start);
  }

  static std::string answers(const std::vector<int64_t>& times, uint64_t events, uint64_t checksum) {
    return object({{"ns", list(times)}, {"events", std::to_string(events)}, {"checksum", std::to_string(checksum)}});
  }

  Workload workload_;
  std::unique_ptr<System> system_;
  Answer answer_;
};

}  // namespace

int serve(int argc, char** argv, const MakeSystem& make) {
  if (argc < 4) {
    std::cerr << "usage: " << argv[0] << " WORKLOAD_DIRECTORY STORE_DIRECTORY COLUMNS [LAYOUT]\n";
    return 2;
  }
  std::unique_ptr<Worker> worker;
  for (std::string line; std::getline(std::cin, line);) {
    std::istringstream arguments(line);
    std::string command, answer;
    arguments >> command;
    if (command == "quit") break;
    try {
      if (!worker)
        worker = std::make_unique<Worker>(Workload(argv[1], argv[3]), argv[2], argc > 4 ? argv[4] : "", make);
      answer = worker->obey(command, arguments);
    } catch (const std::exception& error) {
      answer = object({{"error", text(error.what())}});
    }
    std::cout << answer << std::endl;
  }
  return 0;
}

}  // namespace bench
