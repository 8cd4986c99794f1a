// How many bytes of requests and replies the server holds at once, so that many large ones together
// cannot use up the machine's memory.
#pragma once

#include <chrono>
#include <cstddef>
#include <list>
#include <memory>
#include <optional>
#include <stop_token>
#include <utility>

#include "api/call/async.h"

namespace imagined::api {

/// Said with `unavailable` when the budget had no room in time.
inline constexpr const char* kTooManyReplies =
    "too many large replies are being sent; try again in a moment";

/// Only for the thread of the event loop.
class ByteBudget {
 public:
  explicit ByteBudget(std::size_t bytes_max) : bytes_max_(bytes_max) {}
  ByteBudget(const ByteBudget&) = delete;
  ByteBudget& operator=(const ByteBudget&) = delete;

  /// Bytes that are held; given back by the destructor. The budget must outlive it.
  class Hold {
   public:
    Hold() = default;
    Hold(Hold&& other) noexcept
        : budget_(std::exchange(other.budget_, nullptr)), bytes_(std::exchange(other.bytes_, 0)) {}
    Hold& operator=(Hold&& other) noexcept {
      std::swap(budget_, other.budget_);
      std::swap(bytes_, other.bytes_);
      return *this;
    }
    ~Hold() {
      if (budget_ != nullptr) budget_->give_back(bytes_);
    }
    std::size_t bytes() const { return bytes_; }
    /// Gives back all but `bytes`, when it holds more.
    void shrink(std::size_t bytes) {
      if (bytes >= bytes_) return;
      budget_->give_back(std::exchange(bytes_, bytes) - bytes);
    }

   private:
    friend class ByteBudget;
    Hold(ByteBudget& budget, std::size_t bytes) : budget_(&budget), bytes_(bytes) {}
    ByteBudget* budget_ = nullptr;
    std::size_t bytes_ = 0;
  };

  /// At once or not at all. What is larger than the whole budget gets it when nobody holds any.
  std::optional<Hold> try_take(std::size_t bytes);

  /// Waits its turn; none when `limit` has passed or `stop` is requested.
  Async<std::optional<Hold>> take(std::size_t bytes, std::chrono::milliseconds limit,
                                  std::stop_token stop);

  std::size_t held_bytes() const { return held_bytes_; }

 private:
  void give_back(std::size_t bytes);
  bool has_room(std::size_t bytes) const;

  const std::size_t bytes_max_;
  std::size_t held_bytes_ = 0;
  std::list<Signal> waiting_;  // in the order in which they came
};

}  // namespace imagined::api
