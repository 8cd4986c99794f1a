#include "service/pictures/upload_line.h"

#include <iterator>

namespace imagined::service {

std::unique_ptr<UploadLine::Place> UploadLine::enter(const Owner& owner,
                                                     std::function<void()> told) {
  auto place =
      std::make_unique<Place>(*this, std::pair(owner.org_id, owner.team_id), std::move(told));
  const std::lock_guard lock(mutex_);
  std::list<Place*>& line = teams_[place->team_];
  place->has_turn_ = line.size() < at_a_time_;
  line.push_back(place.get());
  return place;
}

UploadLine::Place::~Place() {
  const std::lock_guard lock(line_.mutex_);
  const auto team = line_.teams_.find(team_);
  std::list<Place*>& line = team->second;
  line.remove(this);
  if (line.empty()) {
    line_.teams_.erase(team);
    return;
  }
  if (!has_turn_ || line.size() < line_.at_a_time_) return;
  Place& next = **std::next(line.begin(), static_cast<std::ptrdiff_t>(line_.at_a_time_) - 1);
  next.has_turn_ = true;
  next.told_();
}

bool UploadLine::Place::has_turn() const {
  const std::lock_guard lock(line_.mutex_);
  return has_turn_;
}

}  // namespace imagined::service
