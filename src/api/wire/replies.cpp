#include "api/wire/replies.h"

#include <nlohmann/json.hpp>

#include "base/crypto.h"

namespace imagined::api::wire {
namespace {

using nlohmann::json;

json model_value(const service::Model& model) {
  json value = {{"id", model.id},
                {"object", "model"},
                {"aliases", model.aliases},
                {"created", model.created_unix_s},
                {"owned_by", "imagined"},
                {"context_length", model.max_prompt_length},
                {"image_price", model.price_usd_ticks}};
  if (!model.card.empty()) value["card"] = model.card;
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

std::string status_body(std::string_view status) { return json{{"status", status}}.dump(); }

}  // namespace imagined::api::wire
