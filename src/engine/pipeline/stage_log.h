// How long each stage of a picture took and how much arithmetic it was.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string_view>
#include <utility>

namespace imagined::engine {

enum class Stage : std::uint8_t { text_encode, reference_encode, prepare, step, decode, finish };
inline constexpr std::array<std::string_view, 6> kStageNames = {
    "text_encode", "reference_encode", "prepare", "step", "decode", "finish"};

/// Sums per stage. The engine reads no clock of its own, so it is handed in.
class StageLog {
 public:
  struct Entry {
    int count = 0;
    double seconds = 0;
    double flop = 0;
  };

  /// seconds_now  any monotonic time in seconds.
  explicit StageLog(std::function<double()> seconds_now) : now_(std::move(seconds_now)) {}

  double now() const { return now_(); }
  void add(Stage stage, double seconds, double flop) {
    Entry& entry = entries_[static_cast<std::size_t>(stage)];
    entry.count += 1;
    entry.seconds += seconds;
    entry.flop += flop;
  }
  const Entry& entry(Stage stage) const { return entries_[static_cast<std::size_t>(stage)]; }

 private:
  std::function<double()> now_;
  std::array<Entry, kStageNames.size()> entries_{};
};

/// Runs `work` and notes it when there is a log.
template <class Work>
auto measured(StageLog* log, Stage stage, double flop, const Work& work) {
  if (log == nullptr) return work();
  const double start = log->now();
  auto result = work();
  log->add(stage, log->now() - start, flop);
  return result;
}

}  // namespace imagined::engine
