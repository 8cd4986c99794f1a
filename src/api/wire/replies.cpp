#include "api/wire/replies.h"

#include <nlohmann/json.hpp>

#include "base/crypto.h"

namespace imagined::api::wire {
namespace {

using nlohmann::json;

/// What both lists of models say.
json common_value(const service::Model& model) {
  json value = {{"id", model.id},           {"object", "model"},
                {"aliases", model.aliases}, {"created", model.created_unix_s},
                {"owned_by", "imagined"},   {"image_price", model.price_usd_ticks}};
  const std::int64_t price_2k = model.price_2k_usd_ticks.value_or(model.price_usd_ticks);
  if (price_2k == model.price_usd_ticks) return value;
  const auto tier = [](const char* resolution, std::int64_t usd_ticks) {
    return json{{"quality", "auto"}, {"resolution", resolution}, {"price_per_image", usd_ticks}};
  };
  value["pricing"] = {tier("1k", model.price_usd_ticks), tier("1.5k", model.price_usd_ticks),
                      tier("2k", price_2k)};
  return value;
}

json model_value(const service::Model& model) {
  json value = common_value(model);
  value["context_length"] = model.max_prompt_length;
  if (!model.card.empty()) value["card"] = model.card;
  return value;
}

/// Changes when the weights do, or what is done with them.
std::string fingerprint(const service::Model& model) {
  const std::string made_of =
      json({model.weights, model.steps, model.guidance.value_or(0.0F)}).dump();
  return "fp_" + to_hex(sha256(made_of)).substr(0, 10);
}

json image_model_value(const service::Model& model) {
  json value = common_value(model);
  value["fingerprint"] = fingerprint(model);
  value["version"] = "1.0";
  value["max_prompt_length"] = model.max_prompt_length;
  value["input_modalities"] = {"text"};
  value["output_modalities"] = {"image"};
  return value;
}

}  // namespace

ImagesBody::ImagesBody(std::int64_t created_unix_s, std::size_t bytes_max) {
  text_.reserve(bytes_max);
  text_ += "{\"created\":" + std::to_string(created_unix_s) + ",\"data\":[";
}

void ImagesBody::begin_entry() { text_ += text_.back() == '[' ? "{" : ",{"; }

void ImagesBody::end_entry(std::string_view mime_type) {
  text_ += ",\"mime_type\":" + json(mime_type).dump() + "}";
}

void ImagesBody::add_url(std::string_view url, std::string_view mime_type) {
  begin_entry();
  text_ += "\"url\":" + json(url).dump();
  end_entry(mime_type);
}

void ImagesBody::add_base64(std::span<const std::uint8_t> bytes, std::string_view mime_type) {
  begin_entry();
  text_ += "\"b64_json\":\"";
  append_base64(bytes, text_);  // needs no escapes
  text_ += '"';
  end_entry(mime_type);
}

std::string ImagesBody::finish(const Usage& usage) && {
  const json counts = {
      {"cost_in_usd_ticks", usage.cost_usd_ticks},
      {"input_tokens", usage.input_tokens},
      {"output_tokens", 0},
      {"total_tokens", usage.input_tokens},
      {"input_tokens_details",
       {{"text_tokens", usage.input_tokens}, {"image_tokens", 0}, {"cached_tokens", 0}}}};
  text_ += "],\"usage\":" + counts.dump();
  if (!usage.warnings.empty()) text_ += ",\"warnings\":" + json(usage.warnings).dump();
  text_ += '}';
  return std::move(text_);
}

std::string models_body(const service::Catalogue& catalogue) {
  json items = json::array();
  for (const service::Model& model : catalogue.models()) items.push_back(model_value(model));
  return json{{"object", "list"}, {"data", std::move(items)}}.dump();
}

std::string model_body(const service::Model& model) { return model_value(model).dump(); }

std::string image_models_body(const service::Catalogue& catalogue) {
  json items = json::array();
  for (const service::Model& model : catalogue.models()) items.push_back(image_model_value(model));
  return json{{"models", std::move(items)}}.dump();
}

std::string image_model_body(const service::Model& model) {
  return image_model_value(model).dump();
}

std::string status_body(std::string_view status) { return json{{"status", status}}.dump(); }

}  // namespace imagined::api::wire
