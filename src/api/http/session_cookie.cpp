#include "api/http/session_cookie.h"

#include <fmt/core.h>

#include <algorithm>

namespace imagined::api {

std::string_view session_token(const Headers& headers) {
  std::string_view found;
  int count = 0;
  for (const Header& header : headers.all()) {
    if (!equal_ignoring_case(header.name, "cookie")) continue;
    std::string_view rest = header.value;
    while (!rest.empty()) {
      const auto end = std::min(rest.find(';'), rest.size());
      const std::string_view pair = trim(rest.substr(0, end));
      rest.remove_prefix(std::min(end + 1, rest.size()));
      const auto equals = pair.find('=');
      if (equals == std::string_view::npos || pair.substr(0, equals) != kSessionCookie) continue;
      found = pair.substr(equals + 1);
      ++count;
    }
  }
  return count == 1 ? found : std::string_view();
}

std::string session_cookie(std::string_view token, std::int64_t life_s, bool is_encrypted) {
  return fmt::format("{}={}; Path=/; Max-Age={}; HttpOnly; SameSite=Strict{}", kSessionCookie,
                     token, token.empty() ? 0 : life_s, is_encrypted ? "; Secure" : "");
}

}  // namespace imagined::api
