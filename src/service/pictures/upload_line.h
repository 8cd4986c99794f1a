#pragma once

#include <cstddef>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>

#include "service/accounts/owner.h"

namespace imagined::service {

/// So many uploads of each team at a time; the others of that team wait in the order in which they
/// came, and take nothing from other teams. Any thread.
class UploadLine {
 public:
  explicit UploadLine(std::size_t at_a_time) : at_a_time_(at_a_time) {}

  /// Held while something is sent; the next one's turn comes when it is gone. The line must outlive
  /// it.
  class Place {
   public:
    Place(UploadLine& line, std::pair<std::string, std::string> team, std::function<void()> told)
        : line_(line), team_(std::move(team)), told_(std::move(told)) {}
    ~Place();
    Place(const Place&) = delete;
    Place& operator=(const Place&) = delete;

    /// It stays its turn.
    bool has_turn() const;

   private:
    friend class UploadLine;
    UploadLine& line_;
    const std::pair<std::string, std::string> team_;  // organisation and team
    const std::function<void()> told_;
    bool has_turn_ = false;
  };

  /// The turn may have come at once. Else `told` is called when it comes, by whichever thread makes
  /// room, and never after the place is gone; it must not come back here.
  std::unique_ptr<Place> enter(const Owner& owner, std::function<void()> told);

 private:
  const std::size_t at_a_time_;
  mutable std::mutex mutex_;
  std::map<std::pair<std::string, std::string>, std::list<Place*>> teams_;  // the first have turns
};

}  // namespace imagined::service
