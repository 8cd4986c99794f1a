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
constexpr double kSecondsBetweenDrawings = 0.05;
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

std::string transfer_line(const TransferState& state, int width) {
  constexpr double kGb = 1e9;
  const auto done = static_cast<double>(state.bytes_done);
  const auto total = static_cast<double>(state.bytes_total);
  const std::string before = fmt::format("{}/{} {}{} ", state.index + 1, state.count,
                                         state.checking ? "checking " : "", state.file);
  std::string after = fmt::format(" {:.2f}/{:.2f} GB", done / kGb, total / kGb);
  if (state.bytes_come > 0 && state.elapsed_s > 0) {
    const double pace = static_cast<double>(state.bytes_come) / state.elapsed_s;
    const auto left_s = static_cast<std::int64_t>(std::ceil((total - done) / pace));
    after += fmt::format(" {:.1f} MB/s", pace / 1e6);
    if (left_s < 100 * 3600) after += fmt::format(" {}:{:02} left", left_s / 60, left_s % 60);
  }
  const int room = width - static_cast<int>(before.size() + after.size()) - 3;
  const int bar = std::clamp(room, 0, kBarWidthMax);
  if (bar < 5) return before + after.substr(1);
  const int filled = total > 0 ? static_cast<int>(bar * std::min(done / total, 1.0)) : 0;
  return fmt::format("{}[{:#<{}}{:.<{}}]{}", before, "", filled, "", bar - filled, after);
}

ProgressBar::ProgressBar() : terminal_(isatty(STDERR_FILENO) == 1) {}

ProgressBar::~ProgressBar() { clear(); }

template <class State>
void ProgressBar::draw_line(const State& state, std::string (*line)(const State&, int)) {
  if (!terminal_) {
    if (state.elapsed_s < last_s_ + kSecondsBetweenLines) return;
    fmt::print(stderr, "{}\n", line(state, 0));
  } else {
    if (drawn_ && state.elapsed_s < last_s_ + kSecondsBetweenDrawings) return;
    const int width = terminal_width();
    // A line that wraps could not be drawn over.
    fmt::print(stderr, "{}{:.{}}", kClearLine, line(state, width), width);
    std::fflush(stderr);
    drawn_ = true;
  }
  last_s_ = state.elapsed_s;
}

void ProgressBar::draw(const ProgressState& state) { draw_line(state, progress_line); }
void ProgressBar::draw(const TransferState& state) { draw_line(state, transfer_line); }

void ProgressBar::clear() {
  if (!drawn_) return;
  fmt::print(stderr, "{}", kClearLine);
  drawn_ = false;
}

}  // namespace imagined::cli
