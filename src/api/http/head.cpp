#include "api/http/head.h"

#include <fmt/core.h>

#include <charconv>

namespace imagined::api {
namespace {

using Failure = std::optional<HeadError>;

Failure refuse(int status, std::string message) { return HeadError{status, std::move(message)}; }

bool is_token_char(char c) {
  if ((c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z')) return true;
  return std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
}

bool is_token(std::string_view text) {
  if (text.empty()) return false;
  for (const char c : text) {
    if (!is_token_char(c)) return false;
  }
  return true;
}

// Printable ASCII without the characters that no URI may hold unescaped.
bool is_target(std::string_view text) {
  for (const char c : text) {
    if (c <= ' ' || c > '~' || c == '"' || c == '<' || c == '>' || c == '\\' || c == '^' ||
        c == '`' || c == '{' || c == '|' || c == '}' || c == '#') {
      return false;
    }
  }
  return !text.empty();
}

bool is_field_value(std::string_view text) {
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if ((byte < 0x20 && c != '\t') || byte == 0x7F) return false;
  }
  return true;
}

bool is_host(std::string_view text) {
  if (text.empty()) return false;
  for (const char c : text) {
    const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    if (!letter && std::string_view("-._:[]~%").find(c) == std::string_view::npos) return false;
  }
  return true;
}

Failure parse_request_line(std::string_view line, const Limits& limits, Head& head) {
  if (line.size() > limits.line_bytes_max) {
    return refuse(414,
                  fmt::format("the request line is longer than {} bytes", limits.line_bytes_max));
  }
  const auto first = line.find(' ');
  const auto last = line.rfind(' ');
  if (first == std::string_view::npos || first == last) {
    return refuse(400, "the request line is not METHOD TARGET VERSION");
  }
  const auto method = line.substr(0, first);
  const auto target = line.substr(first + 1, last - first - 1);
  const auto version = line.substr(last + 1);
  if (!is_token(method)) return refuse(400, "the method is not a word");
  if (version != "HTTP/1.1" && version != "HTTP/1.0") {
    const bool other = version.size() == 8 && version.starts_with("HTTP/");
    return refuse(other ? 505 : 400, "only HTTP/1.1 and HTTP/1.0 are spoken here");
  }
  head.keep_alive = version == "HTTP/1.1";
  if (!is_target(target) || target.front() != '/') {
    if (method == "OPTIONS" && target == "*") {
      head.request.method = method;
      head.request.path = target;
      return {};
    }
    return refuse(400, "the request target is not a path");
  }
  const auto question = target.find('?');
  head.request.method = method;
  head.request.path = target.substr(0, question);
  if (question != std::string_view::npos) head.request.query = target.substr(question + 1);
  return {};
}

Failure parse_field(std::string_view line, Head& head) {
  if (line.front() == ' ' || line.front() == '\t') {
    return refuse(400, "a header field is folded over two lines");
  }
  const auto colon = line.find(':');
  if (colon == std::string_view::npos || !is_token(line.substr(0, colon))) {
    return refuse(400, "a header field has no proper name");
  }
  const auto value = trim(line.substr(colon + 1));
  if (!is_field_value(value)) return refuse(400, "a header field holds a control character");
  head.request.headers.add(std::string(line.substr(0, colon)), std::string(value));
  return {};
}

Failure read_framing(std::string_view version_line, Head& head) {
  const Headers& fields = head.request.headers;
  const bool has_length = fields.has("content-length");
  if (fields.has("transfer-encoding")) {
    if (has_length) return refuse(400, "both content-length and transfer-encoding are given");
    if (version_line.ends_with("HTTP/1.0")) {
      return refuse(400, "transfer-encoding does not exist in HTTP/1.0");
    }
    if (fields.count("transfer-encoding") != 1 ||
        !equal_ignoring_case(fields.find("transfer-encoding"), "chunked")) {
      return refuse(501, "the only transfer-encoding spoken here is chunked");
    }
    head.chunked = true;
  }
  if (has_length) {
    if (fields.count("content-length") != 1) {
      return refuse(400, "content-length is given more than once");
    }
    const auto text = fields.find("content-length");
    const auto [end, error] =
        std::from_chars(text.data(), text.data() + text.size(), head.content_length);
    if (error != std::errc() || end != text.data() + text.size()) {
      return refuse(400, "content-length is not a number");
    }
  }
  return {};
}

Failure read_host(std::string_view version_line, const Head& head) {
  const Headers& fields = head.request.headers;
  const int hosts = fields.count("host");
  if (hosts > 1) return refuse(400, "host is given more than once");
  if (hosts == 0) {
    if (version_line.ends_with("HTTP/1.1")) return refuse(400, "host is missing");
    return {};
  }
  if (!is_host(fields.find("host"))) return refuse(400, "host is not a host name");
  return {};
}

Failure read_connection(Head& head) {
  const Headers& fields = head.request.headers;
  const auto connection = fields.find("connection");
  if (equal_ignoring_case(connection, "close")) head.keep_alive = false;
  if (equal_ignoring_case(connection, "keep-alive")) head.keep_alive = true;
  if (fields.has("expect")) {
    if (!equal_ignoring_case(fields.find("expect"), "100-continue")) {
      return refuse(400, "the only expectation known here is 100-continue");
    }
    head.expects_continue = true;
  }
  return {};
}

}  // namespace

std::optional<HeadError> parse_head(std::string_view text, const Limits& limits, Head& head) {
  std::string_view request_line;
  int fields = 0;
  while (true) {
    const auto end = text.find("\r\n");
    if (end == std::string_view::npos) return refuse(400, "the head does not end");
    const auto line = text.substr(0, end);
    text.remove_prefix(end + 2);
    if (line.find_first_of(std::string_view("\r\n\0", 3)) != std::string_view::npos) {
      return refuse(400, "a line of the head holds a bare line break or a zero byte");
    }
    if (request_line.empty()) {
      if (auto failure = parse_request_line(line, limits, head)) return failure;
      request_line = line;
      continue;
    }
    if (line.empty()) break;
    if (++fields > limits.fields_max) {
      return refuse(431, fmt::format("more than {} header fields", limits.fields_max));
    }
    if (auto failure = parse_field(line, head)) return failure;
  }
  if (auto failure = read_host(request_line, head)) return failure;
  if (auto failure = read_framing(request_line, head)) return failure;
  return read_connection(head);
}

std::optional<std::string> percent_decode(std::string_view text) {
  std::string decoded;
  decoded.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      decoded.push_back(text[i]);
      continue;
    }
    unsigned value = 0;
    if (i + 2 >= text.size()) return std::nullopt;
    const auto [end, error] = std::from_chars(&text[i + 1], &text[i + 1] + 2, value, 16);
    if (error != std::errc() || end != &text[i + 1] + 2 || value == 0) return std::nullopt;
    decoded.push_back(static_cast<char>(value));
    i += 2;
  }
  return decoded;
}

}  // namespace imagined::api
