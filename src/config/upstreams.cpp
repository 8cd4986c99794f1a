#include "config/upstreams.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <set>

#include "base/nearest.h"
#include "net/url.h"

namespace imagined::config {
namespace {

constexpr std::array<std::string_view, 9> kKeys = {
    "base_url",         "key_env",    "ca_file", "models",   "price_input_usd",
    "price_output_usd", "image_tool", "vision",  "responses"};
constexpr std::array<std::string_view, 2> kChatKeys = {"talks", "makes"};

}  // namespace

bool is_base_url(std::string_view text) {
  return net::parse_url(text) && text.find_first_of("?#") == std::string_view::npos;
}

Result<void> assign_upstream_value(std::string_view key, const ModelValue& value,
                                   UpstreamSettings& upstream) {
  const bool is_text = value.type == ModelValue::Type::text;
  if (key == "base_url") {
    if (!is_text || !is_base_url(value.text))
      return refuse(key, "a URL such as http://127.0.0.1:8000/v1, without a query or a user's name",
                    value);
    upstream.base_url = value.text;
    while (upstream.base_url.ends_with('/')) upstream.base_url.pop_back();
  } else if (key == "key_env") {
    if (!is_text) return refuse(key, "the name of an environment variable", value);
    upstream.key_env = value.text;
  } else if (key == "ca_file") {
    if (!is_text) return refuse(key, "a file of certificates in PEM", value);
    upstream.ca_file = value.text;
  } else if (key == "models") {
    if (value.type != ModelValue::Type::texts)
      return refuse(key, "a list of names such as [\"a\", \"b=name/there\"]", value);
    upstream.models = value.texts;
  } else if (key == "price_input_usd" || key == "price_output_usd") {
    if (!is_text)
      return refuse(key, "a price of a million tokens in quotes, such as \"0.30\"", value);
    (key == "price_input_usd" ? upstream.price_input_usd_ticks : upstream.price_output_usd_ticks) =
        TRY(parse_price(value.text, key));
  } else if (key == "image_tool" || key == "vision" || key == "responses") {
    if (value.type != ModelValue::Type::truth) return refuse(key, "true or false", value);
    (key == "vision"      ? upstream.sees
     : key == "responses" ? upstream.has_responses
                          : upstream.has_image_tool) = value.text == "true";
  } else {
    return fail(ErrorCode::invalid_argument,
                fmt::format("{}: there is no such key of an upstream{}", key,
                            did_you_mean(key, {kKeys.begin(), kKeys.end()})),
                std::string(key));
  }
  return {};
}

Result<void> check_upstream(const UpstreamSettings& upstream) {
  const auto refuse_key = [](std::string_view key, std::string what) {
    return fail(ErrorCode::invalid_argument, fmt::format("{}: {}", key, what), std::string(key));
  };
  if (upstream.base_url.empty()) return refuse_key("base_url", "is missing");
  std::set<std::string_view> seen;
  for (const std::string& text : upstream.models) {
    const auto [name, there] = split_upstream_model(text);
    if (name.empty() || there.empty())
      return refuse_key("models",
                        fmt::format("expected a name or NAME=NAME-THERE, got {:?}", text));
    if (!seen.insert(name).second)
      return refuse_key("models", fmt::format("{:?} is there twice", name));
  }
  return {};
}

UpstreamModelName split_upstream_model(std::string_view text) {
  const auto equals = text.find('=');
  if (equals == std::string_view::npos) return {text, text};
  return {text.substr(0, equals), text.substr(equals + 1)};
}

Result<void> assign_chat_value(std::string_view key, const ModelValue& value, ChatSettings& chat) {
  if (key != "talks" && key != "makes")
    return fail(ErrorCode::invalid_argument,
                fmt::format("{}: there is no such key of a chat{}", key,
                            did_you_mean(key, {kChatKeys.begin(), kChatKeys.end()})),
                std::string(key));
  if (value.type != ModelValue::Type::text || value.text.empty())
    return refuse(key, "the name of a model", value);
  (key == "talks" ? chat.talks : chat.makes) = value.text;
  return {};
}

Result<void> check_chat(const ChatSettings& chat) {
  for (const auto& [key, value] :
       {std::pair{"talks", &chat.talks}, std::pair{"makes", &chat.makes}}) {
    if (value->empty())
      return fail(ErrorCode::invalid_argument, fmt::format("{}: is missing", key), key);
  }
  return {};
}

}  // namespace imagined::config
