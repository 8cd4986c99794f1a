// Domain values to the JSON of successful replies.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "service/catalogue/catalogue.h"

namespace imagined::api::wire {

/// What a finished request says beside its pictures.
struct Usage {
  std::int64_t cost_usd_ticks = 0;
  std::int64_t input_tokens = 0;      // of the prompt, as the model has read it
  std::vector<std::string> warnings;  // what was asked for and not done
};

/// Most bytes of a reply without its entries, and of an entry without its base64.
inline constexpr std::size_t kImagesBodyBytes = 4096;
inline constexpr std::size_t kImageEntryBytes = 512;

/// One picture of a reply: its link, its bytes, or both.
struct ImageEntry {
  std::string_view mime_type;
  std::string url;                          // empty: not given
  std::span<const std::uint8_t> base64_of;  // empty: not given
};

/// `{"created", "data": [{"url", "b64_json", "mime_type", "respect_moderation"}], "usage":
/// {"cost_in_usd_ticks", ...}, "warnings"}`, written in one piece: the pictures are megabytes long.
/// `usage` has all of OpenAI's token counts, without which LiteLLM refuses it; `warnings` is there
/// when there are any.
class ImagesBody {
 public:
  /// `bytes_max`: what the whole body will need, so that it moves never.
  ImagesBody(std::int64_t created_unix_s, std::size_t bytes_max);
  void add(const ImageEntry& entry);
  std::string finish(const Usage& usage) &&;

 private:
  std::string text_;
};

/// `{"object": "list", "data": [...]}`.
std::string models_body(const service::Catalogue& catalogue);
std::string model_body(const service::Model& model);
/// `{"models": [...]}`: xAI's typed list (xai-api.md 1.12).
std::string image_models_body(const service::Catalogue& catalogue);
std::string image_model_body(const service::Model& model);

/// `{"status": "..."}`.
std::string status_body(std::string_view status);

}  // namespace imagined::api::wire
