// tsfeat_trials COMMAND [--trials N] [--seed N] [--seconds N] [--depth N] [--directory PATH]
//
// Tries to make a store lose, invent or garble events, and prints what came of it as one line of JSON. Ends with 1 if
// anything did that must not. docs/reliability.md says what each command tries.

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <string>

#include "reliability/trial.h"

namespace tsfeat::reliability {

const std::map<std::string, void (*)(const Settings&, Report*)> kCommands = {
    {"allocations", allocations},  {"bits", flipped_bits}, {"damage", damage},
    {"determinism", determinism},  {"faults", faults},     {"fsync", failed_syncs},
    {"power-loss", power_loss},    {"recovery", recovery}, {"syscalls", system_calls},
    {"interrupts", system_faults},
};

int run(int count, char** arguments) {
  Settings settings;
  const auto command = count > 1 ? kCommands.find(arguments[1]) : kCommands.end();
  if (command == kCommands.end()) {
    std::fprintf(
        stderr,
        "usage: tsfeat_trials COMMAND [--trials N] [--seed N] [--seconds N] [--depth N] [--directory PATH]\ncommands:");
    for (const auto& [name, act] : kCommands) std::fprintf(stderr, " %s", name.c_str());
    std::fprintf(stderr, "\n");
    return 2;
  }
  for (int i = 2; i + 1 < count; i += 2) {
    const std::string option = arguments[i];
    const char* const value = arguments[i + 1];
    if (option == "--trials") settings.trials = std::strtoull(value, nullptr, 10);
    if (option == "--seed") settings.seed = std::strtoull(value, nullptr, 10);
    if (option == "--depth") settings.depth = std::strtoull(value, nullptr, 10);
    if (option == "--seconds") settings.seconds = std::strtod(value, nullptr);
    if (option == "--directory") settings.directory = value;
  }
  Report report;
  command->second(settings, &report);
  std::printf("%s\n", report.json().c_str());
  return report.failures() == 0 ? 0 : 1;
}

}  // namespace tsfeat::reliability

int main(int count, char** arguments) { return tsfeat::reliability::run(count, arguments); }
