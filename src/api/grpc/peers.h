#pragma once

#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>

#include <fmt/format.h>

namespace imagined::api {

/// Whose connections the library was given: it calls them by their descriptors. Any thread.
class Peers {
 public:
  /// A peer that is known until the destructor. `Peers` must outlive it.
  class Known {
   public:
    Known(Peers& peers, int descriptor, std::string address)
        : peers_(peers),
          name_(fmt::format("fd:{}", descriptor)),
          number_(peers_.add(name_, std::move(address))) {}
    ~Known() { peers_.remove(name_, number_); }
    Known(const Known&) = delete;
    Known& operator=(const Known&) = delete;

   private:
    Peers& peers_;
    const std::string name_;
    const int number_;
  };

  /// The address of the peer that gRPC calls so; "-": it has gone.
  std::string address_of(std::string_view name) const {
    const std::lock_guard lock(mutex_);
    const auto found = peers_.find(name);
    return found == peers_.end() ? "-" : found->second.address;
  }

 private:
  struct Peer {
    int number = 0;
    std::string address;
  };

  int add(const std::string& name, std::string address) {
    const std::lock_guard lock(mutex_);
    peers_[name] = {++last_, std::move(address)};
    return last_;
  }
  // The descriptor may be another connection's by now.
  void remove(const std::string& name, int number) {
    const std::lock_guard lock(mutex_);
    const auto found = peers_.find(name);
    if (found != peers_.end() && found->second.number == number) peers_.erase(found);
  }

  mutable std::mutex mutex_;
  int last_ = 0;
  std::map<std::string, Peer, std::less<>> peers_;
};

}  // namespace imagined::api
