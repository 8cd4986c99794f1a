// Domain values to the JSON of successful replies.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "service/catalogue/catalogue.h"

namespace imagined::api::wire {

/// One picture of a reply: exactly one of `url` and `base64` is set.
struct ImageEntry {
  std::string url;
  std::string base64;
  std::string mime_type;
};

/// `{"created", "data": [{"url" | "b64_json", "mime_type"}], "usage": {"cost_in_usd_ticks", ...}}`.
/// The token counts of `usage` are zero: LiteLLM refuses a `usage` without them.
std::string images_body(std::int64_t created_unix_s, std::int64_t cost_usd_ticks,
                        const std::vector<ImageEntry>& entries);

/// `{"object": "list", "data": [...]}`.
std::string models_body(const service::Catalogue& catalogue);
std::string model_body(const service::Model& model);

/// `{"status": "..."}`.
std::string status_body(std::string_view status);

}  // namespace imagined::api::wire
