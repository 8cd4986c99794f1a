// The progress bar of a command that makes pictures.
#pragma once

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
  void clear();

 private:
  bool terminal_;
  bool drawn_ = false;
  double last_line_s_ = 0;
};

}  // namespace imagined::cli
