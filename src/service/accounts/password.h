// What a person may choose to sign in with.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace imagined::service {

inline constexpr std::int64_t kPasswordLettersMin = 15;  // NIST SP 800-63B-4, a password alone
inline constexpr std::size_t kPasswordBytesMax = 256;

/// In lower case, without spaces around it. `invalid_argument`, field "name", for one that is
/// empty, too long or has control characters.
Result<std::string> parse_login_name(std::string_view text);

/// `invalid_argument`, field "password": too short, too long, broken UTF-8, or one that a guesser
/// tries first: of a few letters over and over, a run of the keyboard, or hardly more than the
/// name. Nothing is said about which letters it must have.
Result<void> check_password(std::string_view password, std::string_view login_name);

}  // namespace imagined::service
