// What is wrong with a configuration.
#pragma once

#include <fmt/core.h>

#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>

#include "base/result.h"

namespace imagined::config {

/// Whatever is wrong, so that one look is enough to put all of it right.
class Faults {
 public:
  void add(Error error) {
    if (!first_) {
      first_ = std::move(error);
    } else {
      first_->message += "\n" + error.message;
    }
  }
  void add(std::string_view where, std::string_view what, std::string field = {}) {
    add(Error{
        ErrorCode::invalid_argument, fmt::format("{}: {}", where, what), std::move(field), {}});
  }
  void add(std::string_view where, Result<void> result) {
    if (result) return;
    result.error().message = fmt::format("{}: {}", where, result.error().message);
    add(std::move(result.error()));
  }

  /// That a key of a table, "upstreams.local.models", has a value that cannot be read: nobody is
  /// told that it is missing.
  void note(std::string key) { unreadable_.insert(std::move(key)); }
  bool noted(const std::string& key) const { return unreadable_.contains(key); }

  Result<void> finish() {
    if (first_) return tl::unexpected(std::move(*first_));
    return {};
  }

 private:
  std::optional<Error> first_;  // with the messages of all
  std::set<std::string> unreadable_;
};

}  // namespace imagined::config
