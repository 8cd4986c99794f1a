// The policy file of moderation (docs/moderation.md).
#pragma once

#include <string>

#include "base/result.h"
#include "service/moderation/policy.h"

namespace imagined::config {

/// Without a file the built-in rules alone. Errors say where: "moderation.toml:7: ...".
Result<service::ModerationPolicies> load_moderation(const std::string& file);

}  // namespace imagined::config
