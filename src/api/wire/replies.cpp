#include "api/wire/replies.h"

#include <nlohmann/json.hpp>

namespace imagined::api::wire {
namespace {

using nlohmann::json;

json model_value(const service::Model& model) {
  return {{"id", model.id},
          {"object", "model"},
          {"aliases", model.aliases},
          {"created", model.created_unix_s},
          {"owned_by", "imagined"},
          {"context_length", model.max_prompt_length},
          {"image_price", model.price_usd_ticks}};
}

}  // namespace

std::string images_body(std::int64_t created_unix_s, std::int64_t cost_usd_ticks,
                        const std::vector<ImageEntry>& entries) {
  const json usage = {
      {"cost_in_usd_ticks", cost_usd_ticks},
      {"input_tokens", 0},
      {"output_tokens", 0},
      {"total_tokens", 0},
      {"input_tokens_details", {{"text_tokens", 0}, {"image_tokens", 0}, {"cached_tokens", 0}}}};
  // Put together by hand: base64 needs no escapes and is megabytes long.
  std::string body = "{\"created\":" + std::to_string(created_unix_s) + ",\"data\":[";
  for (const ImageEntry& entry : entries) {
    if (body.back() != '[') body += ',';
    if (entry.base64.empty()) {
      body += "{\"url\":" + json(entry.url).dump();
    } else {
      body += "{\"b64_json\":\"";
      body += entry.base64;
      body += '"';
    }
    body += ",\"mime_type\":" + json(entry.mime_type).dump() + "}";
  }
  return body + "],\"usage\":" + usage.dump() + "}";
}

std::string models_body(const service::Catalogue& catalogue) {
  json items = json::array();
  for (const service::Model& model : catalogue.models()) items.push_back(model_value(model));
  return json{{"object", "list"}, {"data", std::move(items)}}.dump();
}

std::string model_body(const service::Model& model) { return model_value(model).dump(); }

std::string status_body(std::string_view status) { return json{{"status", status}}.dump(); }

}  // namespace imagined::api::wire
