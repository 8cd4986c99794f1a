// [models.NAME] of the configuration.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "service/catalogue/catalogue.h"

namespace imagined::config {

/// A file that changes what a model draws, and how strongly.
struct LoraSettings {
  std::string path;  // as given
  double scale = 1;
};

/// What xAI takes today.
inline constexpr int kUpstreamReferencesMax = 5;

struct ModelSettings {
  std::string name;
  std::string path;           // as given; empty: the built-in model
  bool path_is_ours = false;  // nobody has given one, and it stands for the built-in model
  /// Parts that the user names: "vae", "text_encoder", ... to a file or folder, as given.
  std::map<std::string, std::string, std::less<>> parts;
  std::vector<LoraSettings> loras;        // all of them count
  std::string precision;                  // empty: the engine's setting
  std::optional<bool> distilled;          // empty: by the model's files and name
  std::optional<bool> cached_references;  // the same
  bool elsewhere = false;                 // see service::Model
  std::vector<std::string> upstreams;     // that make it: "NAME", or "NAME=what it is called there"
  service::Makes makes = service::Makes::all;   // one that upstreams make: pictures unless videos
  int references_max = kUpstreamReferencesMax;  // the same: that an edit may bring
  int steps = 4;
  std::optional<float> guidance;
  bool guidance_is_ours = false;  // nobody has given one: it follows from the steps
  int steps_max = service::kStepsMaxDefault;
  std::int64_t price_usd_ticks = 0;
  std::optional<std::int64_t> price_2k_usd_ticks;           // none: the same
  std::int64_t price_input_usd_ticks = 0;                   // per reference
  std::int64_t price_second_usd_ticks = 0;                  // of video
  std::optional<std::int64_t> price_second_720p_usd_ticks;  // none: the same
  std::vector<std::string> aliases;
  int max_prompt_length = 8000;
  std::int64_t created_unix_s = 1'767'225'600;  // 2026-01-01
};

/// What is served when the configuration names no models: the built-in model under the names that
/// the Imagine API has for pictures and videos, fast and good.
std::vector<ModelSettings> default_models();

/// From how many steps on the built-in model is guided where nobody says by how much.
inline constexpr int kGuidedSteps = 8;
void guide_by_steps(ModelSettings& model);

/// "f32", "bf16", "int8": what the engine can calculate in.
std::span<const std::string_view> precisions();

/// "steps", "price_usd", ...: the keys of a model's table.
std::span<const std::string_view> model_keys();
/// Those whose value is the path of one of the model's parts.
std::span<const std::string_view> part_keys();

struct ModelEntry;

/// One value of a model's table, of the type that it has in TOML.
struct ModelValue {
  enum class Type : std::uint8_t { text, whole, decimal, truth, texts, tables, other };
  Type type = Type::other;
  std::string text;                             // also the spelling of numbers
  std::vector<std::string> texts;               // of arrays of texts
  std::vector<std::vector<ModelEntry>> tables;  // of arrays of tables
};
struct ModelEntry {
  std::string key;
  ModelValue value;
};

/// What a value must be and is not; `invalid_argument`.
tl::unexpected<Error> refuse(std::string_view key, std::string_view expected,
                             const ModelValue& value);

/// `invalid_argument`: no such key (with the nearest one), another type, out of range.
Result<void> assign_model_value(std::string_view key, const ModelValue& value,
                                ModelSettings& model);

/// "style.safetensors:0.8" as a command line names a LoRA; without a number its scale is 1.
LoraSettings parse_lora(std::string_view text);

/// "0.02" to ticks of 1e-10 dollar, exactly; at most ten decimals, at most 1000 dollars.
Result<std::int64_t> parse_price(std::string_view text, std::string_view key = "price_usd");

/// What the weights at a path say that they are; may be empty.
using CardOf = std::function<std::string(const std::string& path)>;
/// As make_catalogue of the whole configuration.
Result<service::Catalogue> make_catalogue(const std::vector<ModelSettings>& models,
                                          const CardOf& card_of = {},
                                          std::vector<service::Talker> talkers = {});

}  // namespace imagined::config
