#include "config/settings.h"

#include <fmt/core.h>
#include "base/words.h"
#include "config/models.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <vector>

namespace imagined::config {
namespace {

constexpr std::int64_t kDaysMax = 36'500;
constexpr std::array<std::string_view, 2> kLimitModes = {"refuse", "wait"};
constexpr std::array<std::string_view, 2> kChargePolicies = {"delivered_only", "work_done"};
constexpr std::array<std::string_view, 3> kCaches = {"off", "memory", "database"};
constexpr std::array<std::string_view, 2> kOnOff = {"on", "off"};
constexpr std::array<std::string_view, 2> kCacheHits = {"free", "full"};
constexpr std::array<std::string_view, 2> kModerations = {"enforce", "shadow"};
constexpr std::array<std::string_view, 3> kModerationAnswers = {"error", "empty", "marked"};
constexpr std::array<std::string_view, 2> kModerationDowns = {"refuse", "pass"};
constexpr std::array<std::string_view, 3> kOutOfQuotaStatuses = {"429", "402", "403"};
constexpr std::array<std::string_view, 2> kLongPrompts = {"cut", "refuse"};
constexpr std::array<std::string_view, 2> kVideoCodecs = {"h264", "av1"};
constexpr std::array<std::string_view, 4> kMetricsReaders = {"nobody", "local", "managers", "all"};
constexpr std::array<std::string_view, 5> kLogLevels = {"debug", "info", "warn", "error", "off"};

}  // namespace

std::span<const Setting> all_settings() {
  static const Setting kSettings[] = {
      {"data_dir", &Settings::data_dir,
       "folder of all state: database, pictures, secrets (default: ~/.local/share/imagined)"},
      {"models_dir", &Settings::models_dir,
       "folder of the built-in models (default: models/ beside the program)"},
      {"http_listen", &Settings::http_listen,
       "ADDRESS:PORT of the HTTP API; :PORT is this machine alone, 0.0.0.0:PORT every address, "
       "port 0 a "
       "free one"},
      {"grpc_listen", &Settings::grpc_listen,
       "ADDRESS:PORT of the gRPC API, as http_listen; off for none"},
      {"tls_certificate_file", &Settings::tls_certificate_file,
       "certificate of the API with its chain, in PEM; empty: no TLS"},
      {"tls_key_file", &Settings::tls_key_file, "the key of that certificate, in PEM"},
      {"public_url", &Settings::public_url,
       "base of picture links, for a server behind a proxy (default: what the client called us)"},
      {"cors_origin", &Settings::cors_origin,
       "origin that browsers may call from; * for all, empty for none"},
      {"queue_limit", &Settings::queue_limit, "jobs that may wait; more are refused with 429", 1,
       1'000'000},
      {"job_timeout_s", &Settings::job_timeout_s,
       "seconds that a request waits for its pictures; 0: as long as the work gets on", 0, 86'400},
      {"rate_per_second", &Settings::rate_per_second,
       "requests a second for each key and model; a key may have its own", 1, 1'000'000},
      {"rate_per_minute", &Settings::rate_per_minute,
       "requests a minute for each key and model; a key may have its own", 1, 60'000'000},
      {"in_flight_max", &Settings::in_flight_max,
       "jobs of one key at the same time; a key may have its own", 1, 1'000'000},
      {"limit_mode", &Settings::limit_mode,
       "what happens to a request over its limit: it is refused, or waits for its turn", 0, 0,
       kLimitModes},
      {"limit_wait_s", &Settings::limit_wait_s, "seconds that a request waits for its turn", 1,
       3600},
      {"team_pictures_per_day", &Settings::team_pictures_per_day,
       "pictures of one team in a day (UTC); 0: any number"},
      {"team_pictures_per_month", &Settings::team_pictures_per_month,
       "pictures of one team in a month (UTC); 0: any number"},
      {"team_usd_per_day", &Settings::team_usd_per_day,
       "budget of one team for a day (UTC), such as 2.50; empty: none"},
      {"team_usd_per_month", &Settings::team_usd_per_month,
       "budget of one team for a month (UTC); empty: none"},
      {"user_pictures_per_day", &Settings::user_pictures_per_day,
       "pictures of one end user (`user` of a request) in a day (UTC); 0: any number"},
      {"user_pictures_per_month", &Settings::user_pictures_per_month,
       "pictures of one end user in a month (UTC); 0: any number"},
      {"user_usd_per_day", &Settings::user_usd_per_day,
       "budget of one end user for a day (UTC); empty: none"},
      {"user_usd_per_month", &Settings::user_usd_per_month,
       "budget of one end user for a month (UTC); empty: none"},
      {"charge_policy", &Settings::charge_policy,
       "what is charged of work that was not delivered by no fault of ours (docs/billing.md)", 0, 0,
       kChargePolicies},
      {"cache", &Settings::cache,
       "where it is remembered which pictures answer a request, for who asks for it", 0, 0,
       kCaches},
      {"cache_life_s", &Settings::cache_life_s,
       "seconds after their making that pictures answer the same request", 1, kDaysMax * 86'400},
      {"cache_entries_max", &Settings::cache_entries_max, "requests that are remembered", 1,
       10'000'000},
      {"cache_hits", &Settings::cache_hits,
       "what an answer from the cache costs: nothing, or what the work would have cost", 0, 0,
       kCacheHits},
      {"moderation", &Settings::moderation,
       "what becomes of what the moderation policy blocks: it is refused, or only logged", 0, 0,
       kModerations},
      {"moderation_answer", &Settings::moderation_answer,
       "how a refusal is answered: with an error, with an empty list of pictures, or with entries "
       "that are marked and have none",
       0, 0, kModerationAnswers},
      {"moderation_file", &Settings::moderation_file,
       "policy of categories, terms and teams (docs/moderation.md); empty: the built-in rules"},
      {"moderation_url", &Settings::moderation_url,
       "classifier of prompts, with OpenAI's moderation API; empty: none"},
      {"moderation_key_file", &Settings::moderation_key_file, "file with the classifier's API key"},
      {"moderation_model", &Settings::moderation_model, "model that the classifier is asked for"},
      {"moderation_timeout_ms", &Settings::moderation_timeout_ms,
       "milliseconds that the classifier has", 1, 60'000},
      {"moderation_down", &Settings::moderation_down,
       "what becomes of a prompt while the classifier gives no answer: refused with 503, or passed",
       0, 0, kModerationDowns},
      {"moderation_pictures", &Settings::moderation_pictures,
       "whether the classifier judges given pictures, and what is made before it is kept", 0, 0,
       kOnOff},
      {"url_life_s", &Settings::url_life_s, "seconds that a picture link works", 1, 604'800},
      {"keep_pictures_days", &Settings::keep_pictures_days,
       "days after which pictures are removed, files and all; 0: never", 0, kDaysMax},
      {"keep_jobs_days", &Settings::keep_jobs_days,
       "days after its end and its pictures' removal that a job, with its prompt, is removed; 0: "
       "never",
       0, kDaysMax},
      {"connections_max", &Settings::connections_max,
       "open connections, and a tenth as many of gRPC", 1, 1'000'000},
      {"connections_per_address_max", &Settings::connections_per_address_max,
       "open connections of one client, and its requests through a proxy", 1, 1'000'000},
      {"trusted_proxies", &Settings::trusted_proxies,
       "addresses and networks, with commas, whose Forwarded and X-Forwarded-* fields are "
       "believed"},
      {"fetch_allow", &Settings::fetch_allow,
       "networks and host names, with commas, that pictures may be fetched from though they are "
       "not public, at any port"},
      {"pool_threads", &Settings::pool_threads, "threads of the server for database and disk", 1,
       64},
      {"drain_s", &Settings::drain_s, "seconds that a stopping server gives replies in work", 0,
       3600},
      {"key_prefix", &Settings::key_prefix, "first letters of new API keys"},
      {"strict_xai", &Settings::strict_xai,
       "answer errors as xAI does: a flat body, 400 for a wrong key, 403 for one that may not, and "
       "no words that only OpenAI's API knows"},
      {"out_of_quota_status", &Settings::out_of_quota_status,
       "HTTP status where a quota or a budget is spent; OpenAI answers 429, xAI 403", 0, 0,
       kOutOfQuotaStatuses},
      {"device", &Settings::device, "what the engine runs on: cpu"},
      {"precision", &Settings::precision, "arithmetic of models that name none", 0, 0,
       precisions()},
      {"long_prompt", &Settings::long_prompt,
       "what becomes of a prompt with more tokens than the model reads", 0, 0, kLongPrompts},
      {"threads", &Settings::threads, "threads of the engine; 0: all cores", 0, 1024},
      {"jpeg_quality", &Settings::jpeg_quality, "quality of JPEG and WebP files", 1, 100},
      {"picture_metadata", &Settings::picture_metadata,
       "whether files say how their pictures were made: model, seed, SHA-256 of the prompt", 0, 0,
       kOnOff},
      {"video_codec", &Settings::video_codec,
       "of video files: H.264, which everything plays, or AV1, which is free of patent fees", 0, 0,
       kVideoCodecs},
      {"metrics", &Settings::metrics,
       "who may read /metrics: nobody, this machine, people with a management key, or all", 0, 0,
       kMetricsReaders},
      {"log_level", &Settings::log_level, "how much is logged on stderr", 0, 0, kLogLevels},
  };
  return kSettings;
}

const Setting* find_setting(std::string_view name) {
  for (const Setting& setting : all_settings()) {
    if (setting.name == name) return &setting;
  }
  return nullptr;
}

std::string flag_name(const Setting& setting) {
  std::string flag = fmt::format("--{}", setting.name);
  std::replace(flag.begin(), flag.end(), '_', '-');
  return flag;
}

std::string environment_name(const Setting& setting) {
  std::string name = fmt::format("IMAGINED_{}", setting.name);
  std::transform(name.begin(), name.end(), name.begin(), [](char c) {
    return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  });
  return name;
}

std::string value_text(const Setting& setting, const Settings& settings) {
  return std::visit([&](auto field) { return fmt::format("{}", settings.*field); }, setting.field);
}

std::string expectation(const Setting& setting) {
  if (is_switch(setting)) return "true or false";
  if (is_number(setting)) {
    return fmt::format("a whole number from {} to {}", setting.min, setting.max);
  }
  if (!setting.choices.empty()) return fmt::format("one of {}", join_words(setting.choices, ", "));
  return "a text";
}

Result<void> assign(const Setting& setting, std::string_view text, Settings& settings) {
  const auto refuse = [&] {
    return fail(
        ErrorCode::invalid_argument,
        fmt::format("{}: expected {}, got \"{}\"", setting.name, expectation(setting), text),
        std::string(setting.name));
  };
  if (const auto* word = std::get_if<std::string Settings::*>(&setting.field)) {
    const auto& choices = setting.choices;
    if (!choices.empty() && std::find(choices.begin(), choices.end(), text) == choices.end()) {
      return refuse();
    }
    settings.*(*word) = text;
    return {};
  }
  if (const auto* on = std::get_if<bool Settings::*>(&setting.field)) {
    if (text != "true" && text != "false") return refuse();
    settings.*(*on) = text == "true";
    return {};
  }
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size() || number < setting.min ||
      number > setting.max) {
    return refuse();
  }
  settings.*std::get<std::int64_t Settings::*>(setting.field) = number;
  return {};
}

}  // namespace imagined::config
