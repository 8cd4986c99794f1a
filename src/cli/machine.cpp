#include "cli/machine.h"

#include <sched.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <optional>
#include <set>
#include <sstream>

namespace imagined::cli {
namespace {

namespace fs = std::filesystem;

// The value of the first line "name : value" of a file in /proc.
std::string proc_value(const char* file, std::string_view name) {
  std::ifstream stream(file);
  for (std::string line; std::getline(stream, line);) {
    const auto colon = line.find(':');
    if (colon == std::string::npos || !line.starts_with(name)) continue;
    const auto first = line.find_first_not_of(" \t", colon + 1);
    return first == std::string::npos ? "" : line.substr(first);
  }
  return {};
}

std::int64_t kilobytes(const std::string& text) {
  std::int64_t value = 0;
  std::istringstream(text) >> value;
  return value * 1024;
}

std::int64_t number_in(const std::string& file) {
  std::int64_t value = 0;
  std::ifstream(file) >> value;
  return value;
}

// The value of the line "name value" of a file in a control group.
std::int64_t group_number(const std::string& file, std::string_view name) {
  std::ifstream stream(file);
  std::string word;
  std::int64_t value = 0;
  while (stream >> word >> value)
    if (word == name) return value;
  return 0;
}

// What our control group may have, where it has a limit, in either interface.
std::optional<Memory> group_memory() {
  struct Files {
    const char* folder;
    const char* limit;
    const char* used;
    const char* cached;
  };
  static constexpr Files kInterfaces[] = {
      {"/sys/fs/cgroup/", "memory.max", "memory.current", "file"},
      {"/sys/fs/cgroup/memory/", "memory.limit_in_bytes", "memory.usage_in_bytes", "total_cache"}};
  for (const Files& files : kInterfaces) {
    const std::string folder = files.folder;
    const std::int64_t limit = number_in(folder + files.limit);
    // "max" and the huge number of the old interface both mean none.
    if (limit <= 0 || limit >= (std::int64_t{1} << 50)) continue;
    const std::int64_t used =
        number_in(folder + files.used) - group_number(folder + "memory.stat", files.cached);
    return Memory{.total_bytes = limit,
                  .free_bytes = std::clamp<std::int64_t>(limit - used, 0, limit)};
  }
  return std::nullopt;
}

std::vector<std::string> find_gpus() {
  std::vector<std::string> gpus;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator("/proc/driver/nvidia/gpus", error)) {
    gpus.push_back(proc_value((entry.path() / "information").c_str(), "Model"));
  }
  return gpus;
}

}  // namespace

std::vector<std::string> known_instruction_sets(const std::string& flags) {
  struct Row {
    const char* name;
    std::array<const char*, 4> needs;
  };
  static constexpr Row kRows[] = {
      {"avx2", {"avx2", "fma", "f16c", ""}},
      {"avx-vnni", {"avx_vnni", "", "", ""}},
      {"avx-512", {"avx512f", "avx512bw", "avx512dq", "avx512vl"}},
      {"avx-512-vnni", {"avx512_vnni", "", "", ""}},
      {"avx-512-bf16", {"avx512_bf16", "", "", ""}},
      {"amx-bf16", {"amx_tile", "amx_bf16", "", ""}},
      {"amx-int8", {"amx_tile", "amx_int8", "", ""}},
  };
  std::istringstream stream(flags);
  std::set<std::string> words;
  for (std::string word; stream >> word;) words.insert(word);
  std::vector<std::string> known;
  for (const Row& row : kRows) {
    const bool all = std::all_of(row.needs.begin(), row.needs.end(), [&](const char* need) {
      return *need == '\0' || words.contains(need);
    });
    if (all) known.emplace_back(row.name);
  }
  return known;
}

Memory inspect_memory() {
  Memory memory{.total_bytes = kilobytes(proc_value("/proc/meminfo", "MemTotal")),
                .free_bytes = kilobytes(proc_value("/proc/meminfo", "MemAvailable"))};
  if (const auto group = group_memory()) {
    memory.total_bytes = std::min(memory.total_bytes, group->total_bytes);
    memory.free_bytes = std::min(memory.free_bytes, group->free_bytes);
  }
  return memory;
}

Machine inspect_machine() {
  Machine machine;
  machine.processor = proc_value("/proc/cpuinfo", "model name");
  machine.instruction_sets = known_instruction_sets(proc_value("/proc/cpuinfo", "flags"));
  cpu_set_t cores;
  CPU_ZERO(&cores);
  machine.cores = sched_getaffinity(0, sizeof cores, &cores) == 0 ? CPU_COUNT(&cores) : 1;
  machine.memory = inspect_memory();
  machine.gpus = find_gpus();
  return machine;
}

}  // namespace imagined::cli
