// Any text as a prompt, an API key and the query of a signed link: refused, or what it should be.
#include <string>
#include <string_view>

#include "base/check.h"
#include "base/utf8.h"
#include "service/accounts/api_key.h"
#include "service/links/signed_url.h"
#include "service/pictures/prompt.h"

using namespace imagined;
using namespace imagined::service;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size_bytes) {
  const std::string_view text(reinterpret_cast<const char*>(data), size_bytes);
  if (const auto prompt = Prompt::parse(text, 1000)) {
    CHECK(prompt->text() == text && count_code_points(text) <= 1000, "a prompt that was changed");
    for (std::string_view rest = text; !rest.empty();)
      CHECK(take_code_point(rest).value_or(0) != 0, "a prompt that is not text");
  }
  if (const auto key = parse_key(text))
    CHECK(text == "imk_" + key->id + "_" + key->secret + std::string(text.substr(60)),
          "a key whose parts are not its own");
  static const UrlSigner signer(std::string(32, 's'));
  const auto linked = signer.verify("/v1/files/img/0123456789ABCDEFGHijkl.png", text, 1000);
  // Nobody finds this by chance: the one query that is right for this path is in the corpus.
  if (linked)
    CHECK(text.starts_with("e=") && linked->id() == "0123456789ABCDEFGHijkl", "a forged link");
  CHECK(masked_key(text).size() <= 7, "a key that was told");
  return 0;
}
