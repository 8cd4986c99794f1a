// [upstreams.NAME] of the configuration: other servers with OpenAI's API, and the models that are
// asked for there.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "config/models.h"

namespace imagined::config {

struct UpstreamSettings {
  std::string name;
  std::string base_url;  // ".../v1"
  std::string key_env;   // the variable with its API key; empty: it needs none
  std::string ca_file;   // whom its certificate is to be vouched for by; empty: those of the system
  std::vector<std::string> models;          // that talk: "name", or "name=what it is called there"
  std::int64_t price_input_usd_ticks = 0;   // per million tokens
  std::int64_t price_output_usd_ticks = 0;  // the same
  bool has_image_tool = false;              // see service::Upstream
  bool sees = false;
  bool has_responses = true;
};

/// http or https, a host, perhaps a port and a path: what other paths are put behind.
bool is_base_url(std::string_view text);

/// `invalid_argument`: no such key (with the nearest one), another type, a value that may not be.
Result<void> assign_upstream_value(std::string_view key, const ModelValue& value,
                                   UpstreamSettings& upstream);
/// What is missing once all its values are set, or does not fit.
Result<void> check_upstream(const UpstreamSettings& upstream);

/// "name=there" in two; of a plain name both are the same.
struct UpstreamModelName {
  std::string_view name;
  std::string_view there;
};
UpstreamModelName split_upstream_model(std::string_view text);

/// [chats.NAME]: a name under which a model of an upstream talks and one of ours makes pictures.
struct ChatSettings {
  std::string name;
  std::string talks;
  std::string makes;
};
/// As assign_upstream_value and check_upstream.
Result<void> assign_chat_value(std::string_view key, const ModelValue& value, ChatSettings& chat);
Result<void> check_chat(const ChatSettings& chat);

}  // namespace imagined::config
