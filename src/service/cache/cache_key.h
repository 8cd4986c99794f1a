#pragma once

#include <string>
#include <string_view>

#include "service/catalogue/catalogue.h"
#include "service/jobs/payload.h"

namespace imagined::service {

/// SHA-256 in hex over everything that decides which pictures a request gets: what is asked for,
/// but not for which end user; the model's fingerprint; the version of the moderation policy. Whose
/// it is is no part of it: entries are kept by team.
std::string cache_key(const JobPayload& wanted, const Model& model,
                      std::string_view policy_version);

}  // namespace imagined::service
