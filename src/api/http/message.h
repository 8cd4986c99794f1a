// Requests and replies as plain values; no type of Beast leaves connection.cpp.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

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
  void add(std::string name, std::string value);
  /// Replaces every field of that name by one.
  void set(std::string_view name, std::string value);
  const std::vector<Header>& all() const { return fields_; }

 private:
  std::vector<Header> fields_;
};

struct Request {
  std::string method;
  std::string path;   // without the query, still percent-encoded
  std::string query;  // without the question mark
  Headers headers;
  std::string body;
};

struct Response {
  int status = 200;
  Headers headers;
  std::string body;
  bool close = false;  // end the connection after this reply
};

/// True when the two are equal but for the case of ASCII letters.
bool equal_ignoring_case(std::string_view a, std::string_view b);

/// `text` without spaces and tabs at both ends.
std::string_view trim(std::string_view text);

/// The reason phrase of a status line.
std::string_view reason_phrase(int status);

}  // namespace imagined::api
