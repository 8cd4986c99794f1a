#include "engine/families/families.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <iterator>

#include "base/file.h"
#include "engine/families/flux1/flux1_family.h"
#include "engine/families/flux2_dev/flux2_dev.h"
#include "engine/families/flux2_klein/flux2_klein.h"
#include "engine/families/wan/wan_family.h"
#include "engine/formats/file_map.h"
#include "engine/formats/folder.h"
#include "engine/formats/json.h"

namespace imagined::engine {

std::span<const Family* const> known_families() {
  // Of two that own a transformer the first: [dev] has klein's, with guidance in it.
  static constexpr std::array<const Family*, 4> kFamilies = {&kFlux2Dev, &kFlux2Klein, &kFlux1,
                                                             &kWan};
  return kFamilies;
}

namespace {

/// LoRAs change the transformer; whether they fit it shows when it is loaded.
Result<> add_loras(std::span<const LoraChoice> loras, ModelPlan& plan) {
  const auto transformer = std::ranges::find(plan.parts, "transformer", &ModelPart::name);
  CHECK(transformer != plan.parts.end(), "a model without a transformer");
  std::vector<ModelPart> files;
  for (const LoraChoice& lora : loras) {
    transformer->adapters.push_back(
        {.file = TRY(AdapterFile::open(lora.path)), .scale = lora.scale});
    files.push_back({.name = "lora",
                     .path = lora.path,
                     .why = fmt::format("{}, at {}", kByConfiguration, lora.scale),
                     .weights = nullptr,
                     .adapters = {}});
  }
  std::ranges::move(files, std::back_inserter(plan.parts));
  return {};
}

}  // namespace

Result<ModelPlan> open_model(const std::filesystem::path& path, const ModelChoices& choices) {
  ModelFiles files = TRY(ModelFiles::open(path, choices, known_families()));
  ModelPlan plan = TRY(files.family().describe(files));
  TRY(add_loras(choices.loras, plan));
  return plan;
}

Result<> Networks::intact() const {
  for (const MappedNetwork& network : mapped) TRY(network.source->intact());
  return {};
}

Result<> Networks::sound() const {
  for (const MappedNetwork& network : mapped) TRY(network.source->sound());
  return {};
}

void release(std::span<const MappedNetwork> networks) {
  for (const MappedNetwork& network : networks)
    for (const std::span<const std::byte> tensor : network.tensors) release_pages(tensor);
}

Result<Networks> load_networks(const Context& context, const ModelPlan& plan, NumberFormat format) {
  return plan.family->load(context, plan, format);
}

Result<std::vector<std::int32_t>> prompt_tokens(const std::filesystem::path& path,
                                                const ModelChoices& choices,
                                                std::string_view prompt) {
  if (is_folder(path) && choices.parts.empty()) {
    if (const std::optional<TokenizerKind> kind = tokenizer_kind(path)) {
      for (const Family* family : known_families())
        if (family->tokenizer_kind == kind) return family->tokens(path, prompt);
    }
  }
  const ModelPlan plan = TRY(open_model(path, choices));
  return plan.family->tokens(plan.part(plan.family->tokenizer_part).path, prompt);
}

std::string card_text(const std::filesystem::path& folder) {
  const std::filesystem::path file = folder / "sampling.json";
  if (!is_file(file)) return {};
  const Result<std::string> text = read_file(file, kMaxConfigBytes);
  if (!text) return {};
  const Result<ModelCard> card = parse_card(*text);
  return card ? card->text : std::string();
}

}  // namespace imagined::engine
