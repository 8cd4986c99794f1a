// How many connections or requests come from one address, so that one client cannot take them all.
#pragma once

#include <boost/asio/ip/address.hpp>
#include <map>
#include <optional>
#include <utility>

namespace imagined::api {

/// Only for the thread of the event loop.
class AddressCounts {
 public:
  using Address = boost::asio::ip::address;

  explicit AddressCounts(int per_address_max) : per_address_max_(per_address_max) {}
  AddressCounts(const AddressCounts&) = delete;
  AddressCounts& operator=(const AddressCounts&) = delete;

  /// One place of an address, free again with the destructor. The counts must outlive it.
  class Place {
   public:
    Place() = default;
    Place(Place&& other) noexcept
        : counts_(std::exchange(other.counts_, nullptr)), address_(other.address_) {}
    Place& operator=(Place&& other) noexcept {
      std::swap(counts_, other.counts_);
      std::swap(address_, other.address_);
      return *this;
    }
    ~Place() {
      if (counts_ != nullptr) counts_->leave(address_);
    }

   private:
    friend class AddressCounts;
    Place(AddressCounts& counts, const Address& address) : counts_(&counts), address_(address) {}
    AddressCounts* counts_ = nullptr;
    Address address_;
  };

  /// None: the address has all it may have.
  std::optional<Place> enter(const Address& address) {
    int& count = counts_[address];
    if (count >= per_address_max_) return std::nullopt;
    ++count;
    return Place(*this, address);
  }

 private:
  void leave(const Address& address) {
    const auto found = counts_.find(address);
    if (--found->second == 0) counts_.erase(found);
  }

  const int per_address_max_;
  std::map<Address, int> counts_;  // of addresses that have a place
};

}  // namespace imagined::api
