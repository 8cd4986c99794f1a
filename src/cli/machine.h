// What this machine offers, read from the kernel.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace imagined::cli {

struct Memory {
  std::int64_t total_bytes = 0;  // of the machine, or of the group we run in if that has less
  std::int64_t free_bytes = 0;   // with what the page cache would give back
};

Memory inspect_memory();

struct Machine {
  std::string processor;
  int cores = 0;                              // that this process may use
  std::vector<std::string> instruction_sets;  // of those the engine knows
  Memory memory;
  std::vector<std::string> gpus;
};

Machine inspect_machine();

/// The instruction sets of a `flags` line of /proc/cpuinfo that the engine knows, slowest first.
std::vector<std::string> known_instruction_sets(const std::string& flags);

}  // namespace imagined::cli
