// The progress bar of a command that makes pictures, or brings files.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

namespace imagined::cli {

/// "picture 2/4 [#####.....] step 2/4 0:03 left": one line that draws over itself.
/// `done` of `total` steps are finished after `elapsed_s` seconds.
struct ProgressState {
  int picture = 1;
  int pictures = 1;
  int step = 0;
  int steps = 1;
  double elapsed_s = 0;
};
std::string progress_line(const ProgressState& state, int width);

/// "2/17 vae/config.json [###....] 5.2/15.9 GB 48 MB/s 3:41 left". What lay there already counts
/// as done, but not for the pace.
struct TransferState {
  std::string file;
  std::size_t index = 0;
  std::size_t count = 1;
  bool checking = false;  // reading again what has come
  std::uint64_t bytes_done = 0;
  std::uint64_t bytes_total = 0;
  std::uint64_t bytes_come = 0;  // since the beginning of this run
  double elapsed_s = 0;
};
std::string transfer_line(const TransferState& state, int width);

/// Without a terminal a line is due so often.
inline constexpr double kSecondsBetweenLines = 10;

/// Draws on stderr, over itself in a terminal, else a line every ten seconds.
class ProgressBar {
 public:
  ProgressBar();
  /// Takes the line away.
  ~ProgressBar();
  ProgressBar(const ProgressBar&) = delete;
  ProgressBar& operator=(const ProgressBar&) = delete;

  void draw(const ProgressState& state);
  void draw(const TransferState& state);
  void clear();

 private:
  /// Of the state: its line for a width.
  template <class State>
  void draw_line(const State& state, std::string (*line)(const State&, int));

  bool terminal_;
  bool drawn_ = false;
  double last_s_ = 0;  // when something was drawn
};

}  // namespace imagined::cli
