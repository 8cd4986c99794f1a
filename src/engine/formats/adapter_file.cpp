#include "engine/formats/adapter_file.h"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <nlohmann/json.hpp>

#include "engine/formats/in_quotes.h"
#include "engine/formats/json.h"

namespace imagined::engine {
namespace {

/// One module's tensors, and its alpha.
struct Parts {
  AdapterModule module;
  const FileTensor* alpha = nullptr;
};

/// What stands in a tensor's name behind its module, and what the tensor then is.
struct Ending {
  std::string_view text;  // with `.weight` behind it, or `.ADAPTER.weight`, where it ends in a dot
  const FileTensor* AdapterModule::*part;
};
constexpr Ending kEndings[] = {
    {".lora_A.", &AdapterModule::down},
    {".lora_B.", &AdapterModule::up},
    {".lora_down.", &AdapterModule::down},
    {".lora_up.", &AdapterModule::up},
    {".lora.down.", &AdapterModule::down},
    {".lora.up.", &AdapterModule::up},
    {".lora_linear_layer.down.", &AdapterModule::down},
    {".lora_linear_layer.up.", &AdapterModule::up},
    {".lora_magnitude_vector.", &AdapterModule::magnitude},
    {".lora_magnitude_vector", &AdapterModule::magnitude},
    {".dora_scale", &AdapterModule::magnitude},
    {".lokr_w1", &AdapterModule::w1},
    {".lokr_w1_a", &AdapterModule::w1_a},
    {".lokr_w1_b", &AdapterModule::w1_b},
    {".lokr_w2", &AdapterModule::w2},
    {".lokr_w2_a", &AdapterModule::w2_a},
    {".lokr_w2_b", &AdapterModule::w2_b},
    {".diff", &AdapterModule::weight},
    {".diff_b", &AdapterModule::bias},
    {".diff_m", &AdapterModule::modulation},
};
constexpr std::string_view kAlpha = ".alpha";

/// Whether `rest` is "weight", or "NAME.weight" as peft writes it while several are loaded.
bool is_weight(std::string_view rest) {
  const std::size_t dot = rest.find('.');
  if (dot != std::string_view::npos) rest.remove_prefix(dot + 1);
  return rest == "weight";
}

/// The ending of a name and where its module ends; null for a name of no known kind.
const Ending* find_ending(std::string_view name, std::size_t& module_end) {
  for (const Ending& ending : kEndings) {
    const std::size_t at = name.rfind(ending.text);
    if (at == std::string_view::npos) continue;
    const std::string_view rest = name.substr(at + ending.text.size());
    if (ending.text.ends_with('.') ? !is_weight(rest) : !rest.empty()) continue;
    module_end = at;
    return &ending;
  }
  return nullptr;
}

std::string named(const FileTensor& tensor) {
  return fmt::format("tensor {}", in_quotes(tensor.name));
}

tl::unexpected<Error> refuse(std::string message) {
  return fail(ErrorCode::invalid_argument, std::move(message));
}

/// The sizes of a matrix; of a convolution of one pixel too.
bool is_matrix(const FileTensor& tensor) {
  const auto& shape = tensor.shape;
  return shape.size() >= 2 &&
         std::all_of(shape.begin() + 2, shape.end(), [](std::int64_t size) { return size == 1; });
}

Result<> check_pair(const AdapterModule& module, const FileTensor* whole, const FileTensor* a,
                    const FileTensor* b, std::string_view what) {
  const bool split = a != nullptr && b != nullptr;
  if ((whole != nullptr) == split || (a == nullptr) != (b == nullptr))
    return refuse(fmt::format("{}: {} must be there once, whole or as both its parts",
                              in_quotes(module.name), what));
  for (const FileTensor* tensor : {whole, a, b})
    if (tensor != nullptr && !is_matrix(*tensor))
      return refuse(fmt::format("{}: {} is no matrix", named(*tensor), to_string(tensor->shape)));
  if (split && a->shape[1] != b->shape[0])
    return refuse(fmt::format("{}: {}, and {} {}", named(*a), to_string(a->shape), named(*b),
                              to_string(b->shape)));
  return {};
}

Result<> check(const AdapterModule& module) {
  const bool lokr = module.w1 != nullptr || module.w1_a != nullptr || module.w2 != nullptr ||
                    module.w2_a != nullptr || module.w1_b != nullptr || module.w2_b != nullptr;
  const bool lora = module.down != nullptr || module.up != nullptr;
  const bool whole = module.weight != nullptr;
  if (lokr + lora + whole > 1)
    return refuse(fmt::format("{}: two of a LoRA, a LoKr and a whole difference at once",
                              in_quotes(module.name)));
  const bool alone = module.bias != nullptr || module.modulation != nullptr;
  if (!lokr && !lora && ((!whole && !alone) || module.magnitude != nullptr))
    return refuse(fmt::format("{}: a magnitude or alpha without anything that it belongs to",
                              in_quotes(module.name)));
  if (!lokr && !lora) return {};
  if (lora) return check_pair(module, nullptr, module.up, module.down, "lora_A and lora_B");
  TRY(check_pair(module, module.w1, module.w1_a, module.w1_b, "lokr_w1"));
  return check_pair(module, module.w2, module.w2_a, module.w2_b, "lokr_w2");
}

/// Ranks of what is split; a LoKr of two whole factors has none, and no alpha counts for it.
std::int64_t rank_of(const AdapterModule& module) {
  for (const FileTensor* inner : {module.down, module.w2_b, module.w1_b})
    if (inner != nullptr) return inner->shape[0];
  return 0;
}

/// Whether a module is the one that a pattern of peft's configuration names: all of it, or its end.
bool is_named(std::string_view module, std::string_view pattern) {
  return module == pattern ||
         (module.ends_with(pattern) && module[module.size() - pattern.size() - 1] == '.');
}

/// Alpha as peft's configuration states it, with what it is divided by. Source: peft,
/// `LoraConfig.to_dict`, under the part's name, as diffusers saves it.
std::optional<double> stated_scale(const nlohmann::json& config, std::string_view module,
                                   std::int64_t rank) {
  constexpr std::string_view kPart = "transformer.";
  if (module.starts_with(kPart)) module.remove_prefix(kPart.size());
  const auto value = [&](std::string_view key) -> const nlohmann::json* {
    if (!config.is_object()) return nullptr;
    const auto found = config.find(std::string(kPart) + std::string(key));
    return found == config.end() || found->is_null() ? nullptr : &*found;
  };
  const nlohmann::json* alpha = value("lora_alpha");
  if (alpha == nullptr) alpha = value("alpha");
  if (const nlohmann::json* patterns = value("alpha_pattern"); patterns && patterns->is_object())
    for (const auto& [pattern, own] : patterns->items())
      if (is_named(module, pattern)) alpha = &own;
  if (alpha == nullptr || !alpha->is_number()) return std::nullopt;
  const nlohmann::json* rooted = value("use_rslora");
  const bool root = rooted != nullptr && rooted->is_boolean() && rooted->get<bool>();
  const auto divisor = static_cast<double>(rank);
  return alpha->get<double>() / (root ? std::sqrt(divisor) : divisor);
}

/// How much of a module counts; 1 where the file does not say.
Result<double> scale_of(const AdapterModule& module, const FileTensor* alpha,
                        const nlohmann::json& config) {
  const std::int64_t rank = rank_of(module);
  if (rank == 0) return 1;
  if (alpha == nullptr) return stated_scale(config, module.name, rank).value_or(1);
  if (alpha->elements() != 1)
    return refuse(
        fmt::format("{}: {} is no single number", named(*alpha), to_string(alpha->shape)));
  float value = 0;
  alpha->stored_rows(0, 1, 1).decode(0, 1, &value);
  if (std::isfinite(value)) return static_cast<double>(value) / static_cast<double>(rank);
  return refuse(fmt::format("{} is not finite", named(*alpha)));
}

}  // namespace

const FileTensor& AdapterModule::first() const {
  for (const FileTensor* tensor : {down, up, w1, w1_a, w2, w2_a, weight, bias, modulation})
    if (tensor != nullptr) return *tensor;
  CHECK(false, "module {} is empty", name);
}

Result<std::shared_ptr<const AdapterFile>> AdapterFile::open(const std::filesystem::path& path) {
  std::shared_ptr<AdapterFile> file(new AdapterFile(TRY(WeightFile::open(path))));
  if (Result<> read = file->read(); !read) {
    read.error().message = fmt::format("{}: {}", file->name(), read.error().message);
    read.error().detail = path.string();
    return tl::unexpected(std::move(read.error()));
  }
  return file;
}

Result<> AdapterFile::read() {
  std::map<std::string, Parts, std::less<>> parts;
  const auto of_module = [&](std::string_view name) -> Parts& {
    Parts& found = parts[std::string(name)];
    found.module.name = name;
    return found;
  };
  for (const FileTensor& tensor : file_.tensors()) {
    if (!tensor.is_readable())
      return fail(ErrorCode::unimplemented, fmt::format("{}: stored as {}; {}", named(tensor),
                                                        tensor.dtype_name, kReadTypes));
    const std::string_view name = tensor.name;
    if (name.ends_with(kAlpha)) {
      of_module(name.substr(0, name.size() - kAlpha.size())).alpha = &tensor;
      continue;
    }
    std::size_t end = 0;
    const Ending* ending = find_ending(name, end);
    if (ending == nullptr)
      return fail(
          ErrorCode::unimplemented,
          fmt::format("{}: no part of a LoRA, a DoRA, a LoKr or a whole difference, which are read",
                      named(tensor)));
    const FileTensor*& place = of_module(name.substr(0, end)).module.*(ending->part);
    if (place != nullptr)
      return refuse(fmt::format("{} and {} say the same thing", named(*place), named(tensor)));
    place = &tensor;
  }
  if (parts.empty()) return refuse("a file without any tensor");
  nlohmann::json config = nlohmann::json::object();
  if (const std::string_view note = file_.note("lora_adapter_metadata"); !note.empty())
    config = TRY(parse_json(note, "lora_adapter_metadata"));
  for (auto& [name, part] : parts) {
    TRY(check(part.module));
    part.module.scale = TRY(scale_of(part.module, part.alpha, config));
    modules_.push_back(std::move(part.module));
  }
  return {};
}

}  // namespace imagined::engine
