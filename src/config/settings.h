// Every setting of the program, in one table: from it come the flags, the environment variables,
// the keys of the TOML file, the help texts, the checks and `imagined config show`.
#pragma once

#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <string_view>
#include <variant>

#include "base/result.h"

namespace imagined::config {

/// Their initial values are the defaults.
struct Settings {
  std::string data_dir;    // empty: ~/.local/share/imagined
  std::string models_dir;  // empty: found beside the program
  std::string http_listen = "127.0.0.1:8080";
  std::string grpc_listen = "127.0.0.1:50051";
  std::string tls_certificate_file;
  std::string tls_key_file;
  std::string public_url;
  std::string cors_origin = "*";
  std::int64_t queue_limit = 256;
  std::int64_t job_timeout_s = 0;
  std::int64_t rate_per_second = 5;
  std::int64_t rate_per_minute = 300;
  std::int64_t in_flight_max = 20;
  std::string limit_mode = "refuse";
  std::int64_t limit_wait_s = 60;
  std::int64_t team_pictures_per_day = 0;
  std::int64_t team_pictures_per_month = 0;
  std::string team_usd_per_day;
  std::string team_usd_per_month;
  std::int64_t user_pictures_per_day = 0;
  std::int64_t user_pictures_per_month = 0;
  std::string user_usd_per_day;
  std::string user_usd_per_month;
  std::string charge_policy = "delivered_only";
  std::string cache = "memory";
  std::int64_t cache_life_s = 86'400;
  std::int64_t cache_entries_max = 10'000;
  std::string cache_hits = "free";
  std::string moderation = "enforce";
  std::string moderation_answer = "error";
  std::string moderation_file;      // empty: the built-in rules alone
  std::string moderation_url;       // empty: no classifier
  std::string moderation_key_file;  // empty: no key
  std::string moderation_model = "omni-moderation-latest";
  std::int64_t moderation_timeout_ms = 2000;
  std::string moderation_down = "refuse";
  std::string moderation_pictures = "off";
  std::int64_t url_life_s = 3600;
  std::int64_t keep_pictures_days = 30;
  std::int64_t keep_jobs_days = 90;
  std::int64_t connections_max = 10'000;
  std::int64_t connections_per_address_max = 256;
  std::string trusted_proxies;
  std::string fetch_allow;
  std::int64_t pool_threads = 16;
  std::int64_t drain_s = 30;
  std::string key_prefix = "imk";
  bool strict_xai = false;
  std::string out_of_quota_status = "429";
  std::string device = "cpu";
  std::string precision = "bf16";
  std::string long_prompt = "cut";
  std::int64_t threads = 0;
  std::int64_t jpeg_quality = 90;
  std::string picture_metadata = "on";
  std::string video_codec = "h264";
  std::string metrics = "local";
  std::string log_level = "info";
};

struct Setting {
  std::string_view name;  // the TOML key; "http_listen" is --http-listen and IMAGINED_HTTP_LISTEN;
                          // a path's ends in "_dir" or "_file", relative in a file to where that is
  std::variant<std::string Settings::*, std::int64_t Settings::*, bool Settings::*> field;
  std::string_view help;
  std::int64_t min = 0;  // of whole numbers
  std::int64_t max = std::numeric_limits<std::int64_t>::max();
  std::span<const std::string_view> choices = {};  // of words; empty: any text
};

std::span<const Setting> all_settings();

/// Null when there is none of that name.
const Setting* find_setting(std::string_view name);

/// "--http-listen", "IMAGINED_HTTP_LISTEN".
std::string flag_name(const Setting& setting);
std::string environment_name(const Setting& setting);

std::string value_text(const Setting& setting, const Settings& settings);

inline bool is_number(const Setting& setting) {
  return std::holds_alternative<std::int64_t Settings::*>(setting.field);
}
/// True or false; its flag may stand without a value.
inline bool is_switch(const Setting& setting) {
  return std::holds_alternative<bool Settings::*>(setting.field);
}

/// Sets a value from text. `invalid_argument`, field = the setting's name, saying what is expected
/// and what was given.
Result<void> assign(const Setting& setting, std::string_view text, Settings& settings);

/// The allowed values in words: "a whole number from 1 to 64", "one of f32, bf16".
std::string expectation(const Setting& setting);

}  // namespace imagined::config
