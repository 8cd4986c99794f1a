#include "service/accounts/password.h"

#include <fmt/core.h>

#include <algorithm>
#include <set>

#include "base/text.h"
#include "base/utf8.h"

namespace imagined::service {
namespace {

constexpr std::size_t kNameBytesMax = 100;
constexpr std::size_t kDifferentBytesMin = 6;
// Of what stands in any order of them: enough that fifteen letters are not one of these runs.
constexpr std::string_view kRuns =
    "abcdefghijklmnopqrstuvwxyz 01234567890123456789 qwertyuiopasdfghjklzxcvbnm "
    "passwordpasswordpassword correct horse battery staple correcthorsebatterystaple";

tl::unexpected<Error> wrong(std::string message) {
  return fail(ErrorCode::invalid_argument, std::move(message), "password");
}

bool is_guessed_first(std::string_view password, std::string_view login_name) {
  const std::string lower = ascii_lower(password);
  if (std::set<char>(lower.begin(), lower.end()).size() < kDifferentBytesMin) return true;
  if (kRuns.find(lower) != std::string_view::npos) return true;
  if (login_name.size() < 4) return false;
  std::string rest = lower;
  for (std::size_t at; (at = rest.find(login_name)) != std::string::npos;)
    rest.erase(at, login_name.size());
  return rest.size() < kDifferentBytesMin;
}

}  // namespace

Result<std::string> parse_login_name(std::string_view text) {
  const std::string_view name = trim(text);
  if (name.empty()) return fail(ErrorCode::invalid_argument, "the name is empty", "name");
  if (name.size() > kNameBytesMax)
    return fail(
        ErrorCode::invalid_argument,
        fmt::format("the name has {} bytes, at most {} are allowed", name.size(), kNameBytesMax),
        "name");
  if (!is_printable_line(name))
    return fail(ErrorCode::invalid_argument, "the name has a control character or broken UTF-8",
                "name");
  return ascii_lower(name);
}

Result<void> check_password(std::string_view password, std::string_view login_name) {
  if (password.size() > kPasswordBytesMax)
    return wrong(fmt::format("the password has {} bytes, at most {} are allowed", password.size(),
                             kPasswordBytesMax));
  if (!is_utf8(password)) return wrong("the password is not UTF-8");
  const std::int64_t letters = count_code_points(password);
  if (letters < kPasswordLettersMin)
    return wrong(fmt::format(
        "the password has {} characters, at least {} are needed: a few words are easy to remember",
        letters, kPasswordLettersMin));
  if (is_guessed_first(password, login_name))
    return wrong(
        "the password is one of those that are guessed first; a few words of your own "
        "are better");
  return {};
}

}  // namespace imagined::service
