#include "api/http/head.h"

#include <fmt/core.h>

#include <algorithm>
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

// Takes "http://authority" off the front of an absolute target (RFC 9112, 3.2.2), which then counts
// instead of the Host field; false when it is none.
bool take_authority(std::string_view& target, Request& request) {
  const auto scheme = target.substr(0, target.find("://"));
  if (scheme.size() == target.size() ||
      !(equal_ignoring_case(scheme, "http") || equal_ignoring_case(scheme, "https"))) {
    return false;
  }
  target.remove_prefix(scheme.size() + 3);
  const auto authority = target.substr(0, target.find_first_of("/?"));
  if (!is_authority(authority)) return false;
  target.remove_prefix(authority.size());
  request.target_authority = authority;
  return true;
}

Failure parse_target(std::string_view target, Request& request) {
  if (!is_target(target)) return refuse(400, "the request target is not a path");
  if (request.method == "OPTIONS" && target == "*") {
    request.path = target;
    return {};
  }
  if (target.front() != '/' && !take_authority(target, request)) {
    return refuse(400, "the request target is neither a path nor the URL of one");
  }
  const auto question = target.find('?');
  request.path = target.substr(0, question);
  if (request.path.empty()) request.path = "/";
  if (question != std::string_view::npos) request.query = target.substr(question + 1);
  return {};
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
  head.version_1_0 = version == "HTTP/1.0";
  head.keep_alive = !head.version_1_0;
  head.request.method = method;
  return parse_target(target, head.request);
}

Failure parse_field(std::string_view line, Head& head) {
  if (line.front() == ' ' || line.front() == '\t') {
    return refuse(400, "a header field is folded over two lines");
  }
  const auto colon = line.find(':');
  if (colon == std::string_view::npos || !is_token(line.substr(0, colon))) {
    return refuse(400, "a header field has no proper name");
  }
  if (!is_field(line)) return refuse(400, "a header field holds a control character");
  // Allowed, and read differently by proxies: no request is to have two lengths.
  const auto name = line.substr(0, colon);
  const bool frames =
      equal_ignoring_case(name, "transfer-encoding") || equal_ignoring_case(name, "content-length");
  if (frames && line.find('\t') != std::string_view::npos)
    return refuse(400, fmt::format("{} holds a tab", name));
  head.request.headers.add(std::string(name), std::string(trim(line.substr(colon + 1))));
  return {};
}

Failure read_framing(Head& head) {
  const Headers& fields = head.request.headers;
  const bool has_length = fields.has("content-length");
  if (fields.has("transfer-encoding")) {
    if (has_length) return refuse(400, "both content-length and transfer-encoding are given");
    if (head.version_1_0) return refuse(400, "transfer-encoding does not exist in HTTP/1.0");
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

Failure read_host(const Head& head) {
  const Headers& fields = head.request.headers;
  const int hosts = fields.count("host");
  if (hosts > 1) return refuse(400, "host is given more than once");
  if (hosts == 0) {
    if (!head.version_1_0) return refuse(400, "host is missing");
    return {};
  }
  if (!is_authority(fields.find("host"))) return refuse(400, "host is not a host name");
  return {};
}

Failure read_connection(Head& head) {
  const Headers& fields = head.request.headers;
  if (fields.has_word("connection", "keep-alive")) head.keep_alive = true;
  if (fields.has_word("connection", "close")) head.keep_alive = false;
  // HTTP/1.0 knows no interim replies, so there nothing may be expected (RFC 9110, 10.1.1).
  if (head.version_1_0 || !fields.has("expect")) return {};
  if (!equal_ignoring_case(fields.find("expect"), "100-continue")) {
    return refuse(400, "the only expectation known here is 100-continue");
  }
  head.expects_continue = true;
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
  if (auto failure = read_host(head)) return failure;
  if (auto failure = read_framing(head)) return failure;
  return read_connection(head);
}

bool is_field_value(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return c == '\t' || (byte >= 0x20 && byte != 0x7F);
  });
}

bool is_field(std::string_view line) {
  const auto colon = line.find(':');
  return colon != std::string_view::npos && is_token(line.substr(0, colon)) &&
         is_field_value(line.substr(colon + 1));
}

bool is_authority(std::string_view text) {
  const auto allowed = [](char c) {
    const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    return letter || std::string_view("-._:[]~%").find(c) != std::string_view::npos;
  };
  return !text.empty() && std::all_of(text.begin(), text.end(), allowed);
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
