// What this machine offers, read from the kernel.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace imagined::cli {

struct Machine {
  std::string processor;
  int cores = 0;                              // that this process may use
  std::vector<std::string> instruction_sets;  // of those the engine knows
  std::int64_t memory_bytes = 0;              // of the machine, or of the group we run in if less
  std::int64_t memory_free_bytes = 0;
  std::vector<std::string> gpus;
};

Machine inspect_machine();

/// The instruction sets of a `flags` line of /proc/cpuinfo that the engine knows, slowest first.
std::vector<std::string> known_instruction_sets(const std::string& flags);

}  // namespace imagined::cli
