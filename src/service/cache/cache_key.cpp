#include "service/cache/cache_key.h"

#include <fmt/core.h>

#include "base/crypto.h"
#include "service/pictures/request_hash.h"

namespace imagined::service {

std::string cache_key(const JobPayload& wanted, const Model& model,
                      std::string_view policy_version) {
  JobPayload anybodys = wanted;
  wanted_pictures(anybodys).user.clear();
  const std::string asked =
      std::visit([](const auto& each) { return request_hash(each); }, anybodys);
  // 2: since the colour profiles of given pictures are honoured, edits have other colours.
  std::string bytes =
      fmt::format("cache 2\n{}\n{}\n{}\n", asked, fingerprint(model), policy_version);
  if (wanted_pictures(wanted).labelled) bytes += "labelled\n";  // no wish, but other files
  return to_hex(sha256(bytes));
}

}  // namespace imagined::service
