#include "cli/progress.h"

#include <fmt/core.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdio>

namespace imagined::cli {
namespace {

constexpr int kBarWidthMax = 40;
constexpr const char* kClearLine = "\r\x1b[K";

int terminal_width() {
  winsize size{};
  return ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

}  // namespace

std::string progress_line(const ProgressState& state, int width) {
  const int done = (state.picture - 1) * state.steps + state.step;
  const int total = state.pictures * state.steps;
  const std::string before =
      state.pictures > 1 ? fmt::format("picture {}/{} ", state.picture, state.pictures) : "";
  std::string after = fmt::format(" step {}/{}", state.step, state.steps);
  if (done > 0) {
    const int left_s = static_cast<int>(std::ceil(state.elapsed_s / done * (total - done)));
    after += fmt::format(" {}:{:02} left", left_s / 60, left_s % 60);
  }
  const int room = width - static_cast<int>(before.size() + after.size()) - 3;
  const int bar = std::clamp(room, 0, kBarWidthMax);
  if (bar < 5) return before + after.substr(1);
  const int filled = bar * done / total;
  return fmt::format("{}[{:#<{}}{:.<{}}]{}", before, "", filled, "", bar - filled, after);
}

ProgressBar::ProgressBar() : terminal_(isatty(STDERR_FILENO) == 1) {}

ProgressBar::~ProgressBar() { clear(); }

void ProgressBar::draw(const ProgressState& state) {
  if (!terminal_) {
    if (state.elapsed_s < last_line_s_ + kSecondsBetweenLines) return;
    last_line_s_ = state.elapsed_s;
    fmt::print(stderr, "{}\n", progress_line(state, 0));
    return;
  }
  fmt::print(stderr, "{}{}", kClearLine, progress_line(state, terminal_width()));
  std::fflush(stderr);
  drawn_ = true;
}

void ProgressBar::clear() {
  if (!drawn_) return;
  fmt::print(stderr, "{}", kClearLine);
  drawn_ = false;
}

}  // namespace imagined::cli
