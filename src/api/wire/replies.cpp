#include "api/wire/replies.h"

#include <fmt/format.h>

#include <utility>

#include "api/wire/errors.h"
#include "base/crypto.h"
#include "service/links/links.h"
#include "service/videos/video_size.h"

namespace imagined::api::wire {
namespace {

tl::unexpected<Error> makes_none(const OfferedModel& offered, std::string_view what) {
  return fail(ErrorCode::not_found,
              fmt::format("the model \"{}\" makes no {}", offered.model.id, what), "model");
}

std::string_view status_of(const OfferedModel& offered,
                           const std::optional<service::ModelReport>& report) {
  if (offered.model.elsewhere) return "elsewhere";
  if (offered.workers.accepts(offered.model.id)) return "ready";
  return report && !report->abilities ? "failed" : "starting";
}

/// Until a worker has spoken, nobody but the weights knows whether pictures are taken.
void add_abilities(const OfferedModel& offered, JsonText& value) {
  const auto report = offered.workers.report(offered.model.id);
  value.add("status", status_of(offered, report));
  JsonText inputs = JsonText::array().push("text");
  if (report && report->abilities && report->abilities->references_max > 0) inputs.push("image");
  value.add("input_modalities", inputs);
  JsonText outputs = JsonText::array();
  if (makes_pictures(offered)) outputs.push("image");
  if (makes_videos(offered)) outputs.push("video");
  value.add("output_modalities", outputs);
  value.add("max_steps", offered.model.steps_max);
  if (!report || !report->abilities) return;
  const service::Abilities& abilities = *report->abilities;
  value.add("max_references", abilities.references_max);
  value.add("masks", abilities.masks);
  value.add("guidance", service::to_string(abilities.guidance));
  if (abilities.clip_frames_per_second == 0) return;
  const service::Model& model = offered.model;
  value.add("video_frames_per_second", abilities.clip_frames_per_second);
  value.add("max_video_seconds", service::kVideoSecondsMax);
  value.add("video_second_price", model.price_second_usd_ticks);
  value.add("video_second_price_720p",
            model.price_second_720p_usd_ticks.value_or(model.price_second_usd_ticks));
}

void add_picture_prices(const service::Model& model, JsonText& value) {
  value.add("image_price", model.price_usd_ticks);
  const std::int64_t price_2k = model.price_2k_usd_ticks.value_or(model.price_usd_ticks);
  if (price_2k == model.price_usd_ticks) return;
  JsonText tiers = JsonText::array();
  for (const auto& [resolution, usd_ticks] :
       {std::pair{"1k", model.price_usd_ticks}, std::pair{"1.5k", model.price_usd_ticks},
        std::pair{"2k", price_2k}})
    tiers.push(JsonText::object(
        {{"quality", "auto"}, {"resolution", resolution}, {"price_per_image", usd_ticks}}));
  value.add("pricing", tiers);
}

/// What both lists of models say.
JsonText common_value(const OfferedModel& offered) {
  const service::Model& model = offered.model;
  JsonText value = JsonText::object({{"id", model.id},
                                     {"object", "model"},
                                     {"aliases", JsonText::array_of(model.aliases)},
                                     {"created", model.created_unix_s},
                                     {"owned_by", "imagined"}});
  add_abilities(offered, value);
  if (model.makes != service::Makes::videos) add_picture_prices(model, value);
  return value;
}

JsonText model_value(const OfferedModel& offered) {
  const service::Model& model = offered.model;
  JsonText value = common_value(offered);
  value.add("context_length", model.max_prompt_length);
  if (!model.card.empty()) value.add("card", model.card);
  return value;
}

JsonText video_model_value(const OfferedModel& offered) {
  JsonText value = common_value(offered);
  value.add("fingerprint", service::fingerprint(offered.model));
  value.add("version", "1.0");
  return value;
}

JsonText image_model_value(const OfferedModel& offered) {
  const service::Model& model = offered.model;
  JsonText value = common_value(offered);
  value.add("fingerprint", service::fingerprint(model));
  value.add("version", "1.0");
  value.add("max_prompt_length", model.max_prompt_length);
  return value;
}

JsonText language_model_value(const OfferedTalker& talker) {
  const service::Upstream& upstream = talker.upstream;
  JsonText inputs = JsonText::array().push("text");
  if (takes_pictures(talker)) inputs.push("image");
  JsonText outputs = JsonText::array().push("text");
  if (talker.makes) outputs.push("image");
  JsonText value = JsonText::object(
      {{"id", talker.name},
       {"object", "model"},
       {"aliases", JsonText::array()},
       {"created", 0},
       {"owned_by", upstream.name},
       {"input_modalities", inputs},
       {"output_modalities", outputs},
       {"prompt_text_token_price", token_price(upstream.price_input_usd_ticks)},
       {"completion_text_token_price", token_price(upstream.price_output_usd_ticks)}});
  if (!talker.makes) return value;
  value.add("image_model", talker.makes->model.id);
  add_picture_prices(talker.makes->model, value);
  return value;
}

/// xAI's words for why a deferred request failed (xai-api.md 1.6).
std::string_view failure_word(int status) {
  switch (status) {
    case 401:
    case 403:
      return "permission_denied";
    case 409:
    case 412:
      return "failed_precondition";
    case 429:
    case 503:
    case 504:
    case 507:
      return "service_unavailable";
    default:
      return status < 500 ? "invalid_argument" : "internal_error";
  }
}

}  // namespace

JsonText file_output_value(const service::StoredFile& file, std::string_view base) {
  JsonText output = JsonText::object({{"file_id", file.id}, {"filename", file.name}});
  output.add("expires_at", file.expires_ms == 0 ? JsonText() : JsonText(file.expires_ms / 1'000));
  if (file.public_name.empty()) return output;
  output.add("public_url", service::public_url_of(file, base));
  const std::int64_t until_ms = file.public_until_ms;
  output.add("public_url_expires_at", until_ms == 0 ? JsonText() : JsonText(until_ms / 1'000));
  return output;
}

ImagesBody::ImagesBody(std::int64_t created_unix_s, std::size_t bytes_max,
                       std::string_view request_id) {
  text_.reserve(bytes_max);
  text_ += '{';
  if (!request_id.empty())
    text_ += "\"request_id\":" + JsonText(request_id).text() + ",\"status\":\"done\",";
  text_ += "\"created\":" + std::to_string(created_unix_s) + ",\"data\":[";
}

void ImagesBody::add(const ImageEntry& entry) {
  text_ += text_.back() == '[' ? "{" : ",{";
  if (!entry.url.empty()) text_ += "\"url\":" + JsonText(entry.url).text() + ",";
  if (!entry.base64_of.empty()) {
    text_ += "\"b64_json\":\"";
    append_base64(entry.base64_of, text_);  // needs no escapes
    text_ += "\",";
  }
  text_ += "\"mime_type\":" + JsonText(entry.mime_type).text() + ",\"respect_moderation\":true";
  if (entry.file && *entry.file) {
    text_ += ",\"file_output\":" + file_output_value(**entry.file, entry.base).text();
  } else if (entry.file) {
    text_ += ",\"storage_error\":" + JsonText(entry.file->error().message).text();
  }
  if (!entry.upload_error.empty())
    text_ += ",\"upload_error\":" + JsonText(entry.upload_error).text();
  text_ += '}';
}

void ImagesBody::add_refused() {
  text_ += text_.back() == '[' ? "{" : ",{";
  text_ += "\"respect_moderation\":false}";
}

JsonText usage_value(const Usage& usage) {
  const JsonText details = JsonText::object(
      {{"text_tokens", usage.input_tokens}, {"image_tokens", 0}, {"cached_tokens", 0}});
  return JsonText::object({{"cost_in_usd_ticks", usage.cost_usd_ticks},
                           {"input_tokens", usage.input_tokens},
                           {"output_tokens", 0},
                           {"total_tokens", usage.input_tokens},
                           {"input_tokens_details", details}});
}

std::string ImagesBody::finish(const Usage& usage) && {
  text_ += "],\"usage\":" + usage_value(usage).text();
  if (!usage.warnings.empty())
    text_ += ",\"warnings\":" + JsonText::array_of(usage.warnings).text();
  text_ += '}';
  return std::move(text_);
}

std::string deferred_body(std::string_view request_id) {
  return JsonText::object({{"request_id", request_id}}).text();
}

std::string pending_body(std::string_view request_id, const std::vector<std::string>& warnings) {
  JsonText body = JsonText::object({{"request_id", request_id}, {"status", "pending"}});
  if (!warnings.empty()) body.add("warnings", JsonText::array_of(warnings));
  return body.text();
}

std::string failed_body(std::string_view request_id, const Error& error,
                        std::int64_t charged_usd_ticks, const std::vector<std::string>& warnings) {
  JsonText body = JsonText::object(
      {{"request_id", request_id},
       {"status", "failed"},
       {"error", JsonText::object({{"code", failure_code(error)}, {"message", error.message}})}});
  if (charged_usd_ticks > 0)
    body.add("usage", JsonText::object({{"cost_in_usd_ticks", charged_usd_ticks}}));
  if (!warnings.empty()) body.add("warnings", JsonText::array_of(warnings));
  return body.text();
}

std::string_view failure_code(const Error& error) {
  return failure_word(error_row(error.code).status);
}

std::string models_body(const service::Catalogue& catalogue, const service::WorkerPool& workers,
                        const service::Upstreams* upstreams) {
  JsonText items = JsonText::array();
  for (const service::Model& model : catalogue.models()) items.push(model_value({model, workers}));
  for (const OfferedTalker& talker : all_talkers(catalogue, workers, upstreams))
    items.push(language_model_value(talker));
  return JsonText::object({{"object", "list"}, {"data", items}}).text();
}

std::string model_body(const OfferedModel& offered) { return model_value(offered).text(); }

std::string image_models_body(const service::Catalogue& catalogue,
                              const service::WorkerPool& workers) {
  JsonText items = JsonText::array();
  for (const service::Model& model : catalogue.models())
    if (const OfferedModel offered{model, workers}; makes_pictures(offered))
      items.push(image_model_value(offered));
  return JsonText::object({{"models", items}}).text();
}

std::string image_model_body(const OfferedModel& offered) {
  return image_model_value(offered).text();
}

bool makes_pictures(const OfferedModel& offered) {
  const auto report = offered.workers.report(offered.model.id);
  return !report || !report->abilities || report->abilities->pictures;
}

Result<void> check_makes_pictures(const OfferedModel& offered) {
  if (makes_pictures(offered)) return {};
  return makes_none(offered, "pictures");
}

bool takes_references(const OfferedModel& offered) {
  const auto report = offered.workers.report(offered.model.id);
  return !report || !report->abilities || report->abilities->references_max > 0;
}

bool takes_pictures(const OfferedTalker& talker) {
  return talker.upstream.sees || (talker.makes && takes_references(*talker.makes));
}

std::int64_t token_price(std::int64_t usd_ticks_of_a_million) {
  return usd_ticks_of_a_million / 1'000'000;
}

std::optional<OfferedTalker> find_talker(std::string_view name, const service::Catalogue& catalogue,
                                         const service::WorkerPool& workers,
                                         const service::Upstreams* upstreams) {
  if (upstreams == nullptr || catalogue.find(name) != nullptr) return std::nullopt;
  const auto found = upstreams->models().find(name);
  if (found == upstreams->models().end()) return std::nullopt;
  OfferedTalker talker{.name = found->first, .upstream = *found->second, .makes = std::nullopt};
  if (const service::ModelPair* pair = upstreams->pair(name))
    talker.makes.emplace(OfferedModel{*catalogue.find(pair->makes), workers});
  return talker;
}

std::vector<OfferedTalker> all_talkers(const service::Catalogue& catalogue,
                                       const service::WorkerPool& workers,
                                       const service::Upstreams* upstreams) {
  std::vector<OfferedTalker> talkers;
  if (upstreams == nullptr) return talkers;
  for (const auto& [name, upstream] : upstreams->models())
    if (auto talker = find_talker(name, catalogue, workers, upstreams))
      talkers.push_back(std::move(*talker));
  return talkers;
}

bool makes_videos(const OfferedModel& offered) {
  const auto report = offered.workers.report(offered.model.id);
  return report && report->abilities && report->abilities->clip_frames_per_second > 0;
}

Result<void> check_makes_videos(const OfferedModel& offered) {
  if (makes_videos(offered)) return {};
  return makes_none(offered, "videos");
}

std::string video_models_body(const service::Catalogue& catalogue,
                              const service::WorkerPool& workers) {
  JsonText items = JsonText::array();
  for (const service::Model& model : catalogue.models())
    if (const OfferedModel offered{model, workers}; makes_videos(offered))
      items.push(video_model_value(offered));
  return JsonText::object({{"models", items}}).text();
}

std::string video_model_body(const OfferedModel& offered) {
  return video_model_value(offered).text();
}

std::string language_models_body(const service::Catalogue& catalogue,
                                 const service::WorkerPool& workers,
                                 const service::Upstreams* upstreams) {
  JsonText items = JsonText::array();
  for (const OfferedTalker& talker : all_talkers(catalogue, workers, upstreams))
    items.push(language_model_value(talker));
  return JsonText::object({{"models", items}}).text();
}

std::string language_model_body(const OfferedTalker& talker) {
  return language_model_value(talker).text();
}

std::string status_body(std::string_view status) {
  return JsonText::object({{"status", status}}).text();
}

}  // namespace imagined::api::wire
