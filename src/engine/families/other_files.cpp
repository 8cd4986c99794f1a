#include "engine/families/other_files.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>

#include "engine/formats/in_quotes.h"
#include "engine/formats/json.h"

namespace imagined::engine {
namespace {

bool contains(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

/// A mark in the names of tensors.
struct Mark {
  std::string_view in_name;
  std::string_view what;
};

/// Adapters: they change a model, and are nothing without it.
constexpr std::array<Mark, 12> kAdapters = {{{".lora_A.", "a LoRA"},
                                             {".lora_B.", "a LoRA"},
                                             {".lora_down.", "a LoRA"},
                                             {".lora_up.", "a LoRA"},
                                             {".lora.down.", "a LoRA"},
                                             {".lora.up.", "a LoRA"},
                                             {"lora_unet_", "a LoRA"},
                                             {"lora_te", "a LoRA"},
                                             {".lokr_", "a LoKr adapter"},
                                             {".hada_", "a LoHa adapter"},
                                             {".oft_", "an OFT adapter"},
                                             {".lora_magnitude_vector", "a DoRA adapter"}}};

/// Other networks that people keep beside these.
constexpr std::array<Mark, 10> kOthers = {{{"controlnet_", "a ControlNet"},
                                           {"control_model.", "a ControlNet"},
                                           {"ip_adapter", "an IP-Adapter"},
                                           {"vision_model.", "a CLIP vision model"},
                                           {"visual.patch_embed", "a vision model"},
                                           {"input_blocks.", "a Stable Diffusion model"},
                                           {"down_blocks.0.attentions", "a Stable Diffusion model"},
                                           {"joint_blocks.", "a Stable Diffusion 3 model"},
                                           {"distilled_guidance_layer.", "a Chroma model"},
                                           {"resblocks.", "an OpenCLIP text encoder"}}};

/// Networks that are put into another one and change what it does.
constexpr std::array<Mark, 6> kAdditions = {{{"controlnet_", "a ControlNet"},
                                             {"control_model.", "a ControlNet"},
                                             {"ip_adapter", "an IP-Adapter"},
                                             {"pulid_", "PuLID"},
                                             {"redux_", "FLUX.1 Redux"},
                                             {"distilled_guidance_layer.", "a Chroma model"}}};

/// What tools that quantise leave beside or in place of `weight`.
constexpr std::array<Mark, 9> kQuantisers = {
    {{".quant_state.bitsandbytes__fp4", "bitsandbytes (fp4)"},
     {"._weight_qdata", "torchao in another form than its int8 and fp8"},
     {".weight._data", "optimum-quanto in another form than its int8 and fp8"},
     {"_quantizer._amax", "NVIDIA ModelOpt"},
     {".comfy_quant", "ComfyUI in a form of its own"},
     {".weight_scale_2", "nvfp4 in another form than ComfyUI's"},
     {".qzeros", "GPTQ or AWQ"},
     {".wscales", "SVDQuant (nunchaku)"},
     {".weight_scale", "a tool for scaled fp8 or int8"}}};

template <std::size_t count>
std::string_view find_mark(const std::array<Mark, count>& marks, std::string_view name) {
  const auto found = std::find_if(marks.begin(), marks.end(),
                                  [&](const Mark& mark) { return contains(name, mark.in_name); });
  return found == marks.end() ? std::string_view() : found->what;
}

/// MLX stores U32 words, and `scales` and `biases` beside them.
bool is_mlx(const FileTensor& tensor, const WeightFiles& files) {
  constexpr std::string_view kEnd = ".scales";
  if (!tensor.name.ends_with(kEnd)) return false;
  const std::string stem = tensor.name.substr(0, tensor.name.size() - kEnd.size());
  return std::any_of(files.files().begin(), files.files().end(), [&](const WeightFile& file) {
    const FileTensor* weight = file.find(stem + ".weight");
    return weight != nullptr && weight->dtype_name == "U32";
  });
}

/// Whether `quantization_config` says that the weights are rotated or lie partly in other tensors,
/// of which their own tensors show nothing.
bool says_rotated(std::string_view config) {
  if (config.empty()) return false;
  const auto reader = ConfigReader::parse(config, "config.json");
  if (!reader || !reader->has("quantization_config")) return false;
  ConfigReader quantisation = reader->inner("quantization_config");
  return quantisation.boolean_or("use_hadamard", false) ||
         quantisation.boolean_or("use_svd", false);
}

/// `quantization_config.quant_method` of a config.json.
std::string stated_method(std::string_view config) {
  if (config.empty()) return {};
  const auto reader = ConfigReader::parse(config, "config.json");
  if (!reader || !reader->has("quantization_config")) return {};
  return reader->inner("quantization_config").string_or("quant_method", "");
}

}  // namespace

std::string what_it_is(const WeightFiles& files) {
  std::size_t adapters = 0;
  std::string_view adapter;
  for (const FileTensor* tensor : files.tensors()) {
    const std::string_view found = find_mark(kAdapters, tensor->name);
    if (found.empty()) continue;
    ++adapters;
    if (adapter.empty() || adapter == "a LoRA") adapter = found;  // a DoRA has the marks of both
  }
  if (2 * adapters > files.tensors().size())
    return fmt::format("{}, not a model: it changes one, which must be there too", adapter);
  std::string networks;
  for (const NetworkTensors& network : files.contents().networks)
    networks += fmt::format("{}{}", networks.empty() ? "" : " and ", network.table->what);
  if (!networks.empty()) return networks;
  for (const FileTensor* tensor : files.tensors())
    if (const std::string_view other = find_mark(kOthers, tensor->name); !other.empty())
      return fmt::format("{}, which this build does not know", other);
  if (files.tensors().empty()) return "a file without any tensor";
  return fmt::format("no network that this build knows (one of its {} tensors is {})",
                     files.tensors().size(), in_quotes(files.tensors().front()->name));
}

Result<> refuse_other_forms(const WeightFiles& files, std::string_view config) {
  const std::string name = files.path().filename().string();
  for (const FileTensor* tensor : files.tensors()) {
    if (contains(tensor->name, ".base_layer."))
      return fail(ErrorCode::unimplemented,
                  fmt::format("{}: saved with a LoRA still in it ({}), fused or not: call "
                              "unload_lora_weights before saving",
                              name, in_quotes(tensor->name)),
                  {}, files.path().string());
    std::string_view tool = find_mark(kQuantisers, tensor->name);
    if (tool.empty() && is_mlx(*tensor, files)) tool = "MLX (mflux)";
    if (tool.empty()) continue;
    const std::string method = stated_method(config);
    return fail(ErrorCode::unimplemented,
                fmt::format("{}: quantised by {}, which is not read ({}); {}", name,
                            method.empty() ? std::string(tool) : method, in_quotes(tensor->name),
                            kReadTypes),
                {}, files.path().string());
  }
  for (const std::string& stray : files.contents().strays)
    if (const std::string_view addition = find_mark(kAdditions, stray); !addition.empty())
      return fail(ErrorCode::unimplemented,
                  fmt::format("{}: {} is part of it ({}), which this build does not know", name,
                              addition, in_quotes(stray)),
                  {}, files.path().string());
  if (const std::string method = stated_method(config); !method.empty()) {
    if (says_rotated(config))
      return fail(
          ErrorCode::unimplemented,
          fmt::format("{}: quantised by {} with use_hadamard or use_svd, which is not read; "
                      "without them it is",
                      name, method),
          {}, files.path().string());
    const bool unread =
        std::any_of(files.tensors().begin(), files.tensors().end(),
                    [](const FileTensor* tensor) { return !tensor->is_readable(); });
    if (unread)
      return fail(ErrorCode::unimplemented,
                  fmt::format("{}: quantised by {} in a form that is not read; {}", name, method,
                              kReadTypes),
                  {}, files.path().string());
  }
  return {};
}

}  // namespace imagined::engine
