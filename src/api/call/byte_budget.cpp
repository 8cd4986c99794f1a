#include "api/call/byte_budget.h"

namespace imagined::api {

bool ByteBudget::has_room(std::size_t bytes) const {
  return held_bytes_ == 0 || (held_bytes_ <= bytes_max_ && bytes <= bytes_max_ - held_bytes_);
}

std::optional<ByteBudget::Hold> ByteBudget::try_take(std::size_t bytes) {
  // Who waits comes first, or small requests would starve a large one.
  if (!waiting_.empty() || !has_room(bytes)) return std::nullopt;
  held_bytes_ += bytes;
  return Hold(*this, bytes);
}

Async<std::optional<ByteBudget::Hold>> ByteBudget::take(std::size_t bytes,
                                                        std::chrono::milliseconds limit,
                                                        std::stop_token stop) {
  if (auto hold = try_take(bytes)) co_return std::move(hold);
  const auto end = std::chrono::steady_clock::now() + limit;
  // Leaves the line whatever happens, and lets the next one look.
  struct Place {
    ByteBudget& budget;
    std::list<Signal>::iterator at;
    explicit Place(ByteBudget& b) : budget(b), at(b.waiting_.emplace(b.waiting_.end())) {}
    ~Place() {
      budget.waiting_.erase(at);
      if (!budget.waiting_.empty()) budget.waiting_.front().raise();
    }
  } place(*this);
  while (place.at != waiting_.begin() || !has_room(bytes)) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
        end - std::chrono::steady_clock::now());
    if (left.count() <= 0 || stop.stop_requested()) co_return std::nullopt;
    co_await place.at->wait(left, stop);
  }
  held_bytes_ += bytes;
  co_return Hold(*this, bytes);
}

void ByteBudget::give_back(std::size_t bytes) {
  held_bytes_ -= bytes;
  if (!waiting_.empty()) waiting_.front().raise();
}

}  // namespace imagined::api
