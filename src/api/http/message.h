// Requests as plain values, and the words of HTTP.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/text.h"

namespace imagined::api {

struct Header {
  std::string name;
  std::string value;
};

/// Fields in the order in which they stand in the message; names compare without case.
class Headers {
 public:
  /// The value of the first field of that name, empty when there is none.
  std::string_view find(std::string_view name) const;
  bool has(std::string_view name) const;
  /// How many fields have that name.
  int count(std::string_view name) const;
  /// Whether the fields of that name, read as one list with commas, hold `word`.
  bool has_word(std::string_view name, std::string_view word) const;
  void add(std::string name, std::string value);
  /// Replaces every field of that name by one.
  void set(std::string_view name, std::string value);
  const std::vector<Header>& all() const { return fields_; }

 private:
  std::vector<Header> fields_;
};

struct Request {
  std::string method;
  std::string path;              // without the query, still percent-encoded
  std::string query;             // without the question mark
  std::string target_authority;  // of a target that is a whole URL; else empty
  Headers headers;
  std::string body;
};

/// The reason phrase of a status line.
std::string_view reason_phrase(int status);

}  // namespace imagined::api
