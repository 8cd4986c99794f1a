// The last few results of an expensive step, for the requests that repeat its input.
#pragma once

#include <cstddef>
#include <list>
#include <memory>
#include <utility>

namespace imagined::engine {

/// Keeps up to `capacity` values by key; the one not asked for the longest goes first. Keys are
/// compared one by one: meant for a handful of entries.
template <class Key, class Value>
class Recent {
 public:
  explicit Recent(std::size_t capacity) : capacity_(capacity) {}

  /// The value, or null.
  std::shared_ptr<const Value> find(const Key& key) {
    for (auto entry = entries_.begin(); entry != entries_.end(); ++entry) {
      if (!(entry->first == key)) continue;
      entries_.splice(entries_.begin(), entries_, entry);
      return entries_.front().second;
    }
    return nullptr;
  }

  std::shared_ptr<const Value> add(Key key, Value value) {
    if (entries_.size() >= capacity_) entries_.pop_back();
    entries_.emplace_front(std::move(key), std::make_shared<const Value>(std::move(value)));
    return entries_.front().second;
  }

  void clear() { entries_.clear(); }

 private:
  std::size_t capacity_;
  std::list<std::pair<Key, std::shared_ptr<const Value>>> entries_;
};

}  // namespace imagined::engine
