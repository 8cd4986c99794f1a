// Domain values to the JSON of successful replies.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/json_text.h"
#include "base/result.h"
#include "service/catalogue/catalogue.h"
#include "service/files/file.h"
#include "service/ports/worker_pool.h"
#include "service/upstreams/upstreams.h"

namespace imagined::api::wire {

/// What a finished request says beside its pictures.
struct Usage {
  std::int64_t cost_usd_ticks = 0;
  std::int64_t input_tokens = 0;      // of the prompt, as the model has read it
  std::vector<std::string> warnings;  // what was asked for and not done
};

/// `{"cost_in_usd_ticks", ...}`, with all of OpenAI's token counts, without which LiteLLM refuses
/// it.
JsonText usage_value(const Usage& usage);

/// Most bytes of a reply without its entries, and of an entry without its base64.
inline constexpr std::size_t kImagesBodyBytes = 4096;
inline constexpr std::size_t kImageEntryBytes = 512;
inline constexpr std::size_t kFileOutputBytes = 2048;  // of its `file_output`

/// One picture of a reply: its link, its bytes, or both.
struct ImageEntry {
  std::string_view mime_type;
  std::string url;                          // empty: not given
  std::span<const std::uint8_t> base64_of;  // empty: not given
  /// The file that it has become, or why it has not; none: that was not asked for.
  std::optional<Result<service::StoredFile>> file = {};
  std::string_view base = {};          // the URL before `/v1` in its public address
  std::string_view upload_error = {};  // why it is not where it was to be sent
};

/// xAI's `file_output`; `base`: the URL before `/v1` in the address of a public file.
JsonText file_output_value(const service::StoredFile& file, std::string_view base);

/// `{"created", "data": [{"url", "b64_json", "mime_type", "respect_moderation", "file_output" or
/// "storage_error", "upload_error"}], "usage":
/// {"cost_in_usd_ticks", ...}, "warnings"}`, written in one piece: the pictures are megabytes long.
/// `warnings` is there when there are any.
class ImagesBody {
 public:
  /// `bytes_max`: what the whole body will need, so that it moves never. `request_id`: of a
  /// deferred request; then the body says that it is done.
  ImagesBody(std::int64_t created_unix_s, std::size_t bytes_max, std::string_view request_id = {});
  void add(const ImageEntry& entry);
  /// One that moderation has refused: `{"respect_moderation": false}`.
  void add_refused();
  std::string finish(const Usage& usage) &&;

 private:
  std::string text_;
};

/// `{"request_id"}`: where the answer to a deferred request is to be asked for.
std::string deferred_body(std::string_view request_id);
/// `{"request_id", "status": "pending"}`, with "warnings" where there are any.
std::string pending_body(std::string_view request_id, const std::vector<std::string>& warnings);
/// `{"request_id", "status": "failed", "error": {"code", "message"}}`, with `usage` where it has
/// cost something, and "warnings" where there are any.
std::string failed_body(std::string_view request_id, const Error& error,
                        std::int64_t charged_usd_ticks,
                        const std::vector<std::string>& warnings = {});

/// xAI's word for why work that was asked for failed.
std::string_view failure_code(const Error& error);

/// A model, and what is known of it beyond the configuration; the workers outlive it.
struct OfferedModel {
  const service::Model& model;
  const service::WorkerPool& workers;
};
/// `{"object": "list", "data": [...]}`, those of other servers last, which may be null. Each model
/// says how it stands (`status`: "ready", "starting", "failed" or "elsewhere") and, once that is
/// known, what it takes.
std::string models_body(const service::Catalogue& catalogue, const service::WorkerPool& workers,
                        const service::Upstreams* upstreams);
std::string model_body(const OfferedModel& offered);
/// `{"models": [...]}`: xAI's typed list (xai-api.md 1.12).
std::string image_models_body(const service::Catalogue& catalogue,
                              const service::WorkerPool& workers);
std::string image_model_body(const OfferedModel& offered);

/// The same of those that make videos.
std::string video_models_body(const service::Catalogue& catalogue,
                              const service::WorkerPool& workers);
std::string video_model_body(const OfferedModel& offered);
bool makes_videos(const OfferedModel& offered);
bool makes_pictures(const OfferedModel& offered);
/// `not_found`, field "model", of a model that belongs on the other list.
Result<void> check_makes_videos(const OfferedModel& offered);
Result<void> check_makes_pictures(const OfferedModel& offered);
/// Also while nobody knows yet.
bool takes_references(const OfferedModel& offered);

/// `{"models": [...]}`: the models of other servers, null: none (xai-api.md 1.12).
std::string language_models_body(const service::Catalogue& catalogue,
                                 const service::WorkerPool& workers,
                                 const service::Upstreams* upstreams);
/// A model that talks, whose answers `upstream` gives.
struct OfferedTalker {
  std::string_view name;
  const service::Upstream& upstream;
  std::optional<OfferedModel> makes;  // its pictures; none: it makes none
};
std::string language_model_body(const OfferedTalker& talker);
/// As far as that is known here: what it takes is for its own server to say.
bool takes_pictures(const OfferedTalker& talker);
/// Of a price of a million, as xAI's lists have it.
std::int64_t token_price(std::int64_t usd_ticks_of_a_million);
/// Of all upstreams and pairs, but for names that are models of the catalogue.
std::vector<OfferedTalker> all_talkers(const service::Catalogue& catalogue,
                                       const service::WorkerPool& workers,
                                       const service::Upstreams* upstreams);
/// What is offered under the name of a model of another server or of a pair; none: nothing is.
std::optional<OfferedTalker> find_talker(std::string_view name, const service::Catalogue& catalogue,
                                         const service::WorkerPool& workers,
                                         const service::Upstreams* upstreams);

/// `{"status": "..."}`.
std::string status_body(std::string_view status);

}  // namespace imagined::api::wire
