// Any text as one of a model's configuration files; the first byte says which.
#include "base/check.h"
#include "engine/families/family.h"
#include "engine/models/flux2/flux2_config.h"
#include "engine/models/qwen3/qwen3_config.h"

using namespace imagined::engine;

namespace {

void check_flux2(std::string_view json) {
  const imagined::Result<Flux2Config> config = parse_flux2_config(json, "config.json");
  if (!config) return;
  CHECK(config->width() > 0 && config->mlp_size > 0, "sizes are above 0");
  CHECK(config->rope_axes.size() == 4, "{} axes", config->rope_axes.size());
}

void check_vae(std::string_view json) {
  const imagined::Result<VaeConfig> config = parse_vae_config(json, "config.json");
  if (!config) return;
  CHECK(config->pixels_per_token() >= 2, "{} pixels", config->pixels_per_token());
  for (const std::int64_t channels : config->decoder_channels)
    CHECK(channels % config->norm_groups == 0, "{} channels", channels);
}

void check_qwen3(std::string_view json) {
  const imagined::Result<Qwen3Config> config = parse_qwen3_config(json, "config.json");
  if (config) CHECK(config->query_heads % config->kv_heads == 0, "heads divide");
}

void check_index(std::string_view json) {
  static constexpr PipelineClass kPipelines[] = {{.name = "Flux2KleinPipeline"}};
  static constexpr PipelineComponent kParts[] = {{"vae", {"AutoencoderKLFlux2", "AutoencoderKL"}}};
  static const Family family = {.name = "any", .pipelines = kPipelines, .components = kParts};
  static const Family* const families[] = {&family};
  const auto index = parse_pipeline_index(json, "model_index.json", families);
  if (index) CHECK(index->family == &family, "a pipeline has its family");
}

void check_sampling(std::string_view json) {
  SamplingDefaults sampling;
  ModelCard card;
  if (!parse_sampling(json, 16, sampling, card)) return;
  CHECK(sampling.steps >= 1, "{} steps", sampling.steps);
  const std::size_t words = card.vocabulary.size();
  CHECK(words > 0 || card.unknown_words(json).empty(), "without a list every word may be known");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size_bytes) {
  if (size_bytes == 0) return 0;
  const std::string_view json(reinterpret_cast<const char*>(data) + 1, size_bytes - 1);
  switch (data[0] % 6) {
    case 0:
      check_flux2(json);
      break;
    case 1:
      check_vae(json);
      break;
    case 2:
      check_qwen3(json);
      break;
    case 3:
      static_cast<void>(parse_scheduler_config(json, "config.json").has_value());
      break;
    case 4:
      check_index(json);
      break;
    default:
      check_sampling(json);
      break;
  }
  return 0;
}
