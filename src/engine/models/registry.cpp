#include "engine/models/registry.h"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <string>
#include <utility>

namespace imagined::engine {
namespace {

using Unneeded = std::function<bool(std::string_view name)>;

/// Opens one network's files, hands them to `load`, and looks afterwards whether all was used.
template <class Load>
auto load_network(const Context& context, const std::filesystem::path& path, Network network,
                  NumberFormat format, Networks& sums, const Unneeded& unneeded, const Load& load)
    -> decltype(load(std::declval<WeightLoader&>())) {
  auto source = std::make_shared<WeightSource>(TRY(WeightSource::open(path, network)));
  WeightLoader loader(context, source, format);
  auto loaded = TRY(load(loader));
  TRY(source->refuse_unused(unneeded));
  TRY(source->intact());
  sums.parameters += source->parameters();
  sums.held_bytes += loader.held_bytes();
  return loaded;
}

/// The same error, saying whose weights it was.
Error named(const char* network, Error error) {
  error.message = fmt::format("{}: {}", network, error.message);
  return error;
}

/// The layers behind the last tap, the final norm and the language-model head.
bool is_behind_last_tap(std::string_view name, std::int64_t last_tap) {
  if (name == "lm_head.weight" || name == "model.norm.weight") return true;
  constexpr std::string_view kLayers = "model.layers.";
  if (!name.starts_with(kLayers)) return false;
  std::int64_t layer = 0;
  for (const char c : name.substr(kLayers.size())) {
    if (c < '0' || c > '9') break;
    layer = std::min<std::int64_t>(layer * 10 + (c - '0'), 1 << 20);
  }
  return layer >= last_tap;
}

Result<std::unique_ptr<const Networks>> load_flux2_klein(const Context& context,
                                                         const ModelFolder& model,
                                                         NumberFormat format) {
  auto networks = std::make_unique<Networks>();
  const std::int64_t last_tap =
      model.text.taps.empty() ? 0
                              : *std::max_element(model.text.taps.begin(), model.text.taps.end());
  auto text = load_network(
      context, model.text_encoder, Network::qwen3, format, *networks,
      [&](std::string_view name) { return is_behind_last_tap(name, last_tap); },
      [&](WeightLoader& weights) { return Qwen3::load(weights, model.qwen3, model.text.taps); });
  if (!text) return tl::unexpected(named("text encoder", std::move(text.error())));
  networks->text_encoder = std::move(*text);

  auto transformer = load_network(
      context, model.transformer, Network::flux2, format, *networks,
      [](std::string_view) { return false; },
      [&](WeightLoader& weights) { return Flux2::load(weights, model.flux2); });
  if (!transformer) return tl::unexpected(named("transformer", std::move(transformer.error())));
  networks->transformer = std::move(*transformer);

  auto vae = load_network(
      context, model.vae, Network::vae, format, *networks,
      [](std::string_view name) { return name == "bn.num_batches_tracked"; },
      [&](WeightLoader& weights) { return Vae::load(weights, model.vae_config); });
  if (!vae) return tl::unexpected(named("vae", std::move(vae.error())));
  networks->vae = std::move(*vae);
  return std::unique_ptr<const Networks>(std::move(networks));
}

struct Family {
  std::string_view name;
  Result<std::unique_ptr<const Networks>> (*load)(const Context&, const ModelFolder&, NumberFormat);
};

constexpr Family kFamilies[] = {
    {"flux2-klein", load_flux2_klein},
};

}  // namespace

Result<std::unique_ptr<const Networks>> load_networks(const Context& context,
                                                      const ModelFolder& model,
                                                      NumberFormat format) {
  for (const Family& family : kFamilies) {
    if (family.name == model.family) return family.load(context, model, format);
  }
  return fail(ErrorCode::unimplemented,
              fmt::format("model \"{}\" is of the family \"{}\", which this build does not know",
                          model.name, model.family));
}

}  // namespace imagined::engine
