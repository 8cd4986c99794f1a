#include "engine/formats/quantised.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <nlohmann/json.hpp>
#include <string>
#include <unordered_map>
#include <unordered_set>

#include "engine/formats/in_quotes.h"
#include "engine/formats/json.h"

namespace imagined::engine {
namespace {

template <class... Args>
tl::unexpected<Error> refuse(const FileTensor& tensor, ErrorCode code,
                             fmt::format_string<Args...> text, Args&&... args) {
  return fail(code, fmt::format("tensor {}: {}", in_quotes(tensor.name),
                                fmt::format(text, std::forward<Args>(args)...)));
}

/// The tensors of some files by name, and those that have become part of another.
class Tensors {
 public:
  explicit Tensors(std::span<const FileTensor* const> tensors) {
    for (const FileTensor* tensor : tensors) by_name_.emplace(tensor->name, tensor);
  }
  /// Of a header: {"layers": {NAME: {"format": ...}}}.
  Result<> add_note(const std::string& text) {
    const nlohmann::json note = TRY(parse_json(text, "_quantization_metadata"));
    const auto layers = note.find("layers");
    if (layers == note.end() || !layers->is_object()) return {};
    for (const auto& [layer, said] : layers->items()) notes_.emplace(layer, said);
    return {};
  }
  /// What a header says of a layer, whose name ends with its point here; null for nothing.
  const nlohmann::json* note(const std::string& stem) const {
    const auto found = notes_.find(stem.substr(0, stem.size() - (stem.empty() ? 0 : 1)));
    return found == notes_.end() ? nullptr : &found->second;
  }
  const FileTensor* find(const std::string& name) const {
    const auto found = by_name_.find(name);
    return found == by_name_.end() ? nullptr : found->second;
  }
  /// The same, and it is part of a joined tensor from now on.
  const FileTensor* take(const std::string& name) {
    const FileTensor* tensor = find(name);
    if (tensor != nullptr) taken_.insert(tensor);
    return tensor;
  }
  bool is_taken(const FileTensor& tensor) const { return taken_.contains(&tensor); }

 private:
  std::unordered_map<std::string_view, const FileTensor*> by_name_;
  std::unordered_set<const FileTensor*> taken_;
  std::unordered_map<std::string, nlohmann::json> notes_;
};

Result<std::vector<float>> read_numbers(const FileTensor& tensor) {
  if (tensor.type == nullptr)
    return refuse(tensor, ErrorCode::unimplemented, "factors stored as {}", tensor.dtype_name);
  std::vector<float> numbers(static_cast<std::size_t>(tensor.elements()));
  StoredRows(tensor.bytes, *tensor.type, 1, tensor.elements())
      .decode(0, tensor.elements(), numbers.data());
  if (!std::ranges::all_of(numbers, [](float number) { return std::isfinite(number); }))
    return refuse(tensor, ErrorCode::data_loss, "holds NaN or infinity");
  return numbers;
}

std::string_view text_of(const FileTensor& tensor) {
  return {reinterpret_cast<const char*>(tensor.bytes.data()), tensor.bytes.size()};
}

/// A weight as its tool wrote it, and what has been found out about it.
struct Quantised {
  const FileTensor& numbers;
  std::string stem;  // what stands before "weight" in the weight's name
  FileTensor joined;
  std::shared_ptr<StoredScales> scales;

  std::int64_t rows() const { return joined.shape[0]; }
  std::int64_t cols() const { return joined.shape[1]; }
};

/// Factors for all rows together or for each.
Result<> take_row_factors(Quantised& weight, const FileTensor& factors) {
  weight.scales->rows = TRY(read_numbers(factors));
  const auto count = std::ssize(weight.scales->rows);
  if (count == 1 || count == weight.rows()) return {};
  return refuse(factors, ErrorCode::invalid_argument, "{} factors for a weight {}", count,
                to_string(weight.joined.shape));
}

/// Factors for `group` neighbours of a row each.
Result<> take_group_factors(Quantised& weight, const FileTensor& factors, std::string_view type,
                            std::int64_t group, bool tiled) {
  StoredScales& scales = *weight.scales;
  scales.group = group;
  scales.groups = factors.bytes;
  scales.group_type = find_stored_type(type);
  scales.tiled = tiled;
  if (std::ssize(factors.bytes) == scales.group_bytes(weight.rows())) return {};
  return refuse(factors, ErrorCode::invalid_argument,
                "{} bytes of factors, {} expected for a weight {}", factors.bytes.size(),
                scales.group_bytes(weight.rows()), to_string(weight.joined.shape));
}

/// Two numbers a byte: the weight is twice as wide as its tensor.
void unpack_nibbles(Quantised& weight, std::string_view type) {
  weight.joined.type = find_stored_type(type);
  weight.joined.shape[1] *= 2;
  weight.scales->cols = weight.cols();
}

// --- ComfyUI
// -----------------------------------------------------------------------------------------

/// What the tool says must be what is read. Returns the format; empty where it says nothing.
Result<std::string> comfy_format(const Quantised& weight, Tensors& tensors) {
  nlohmann::json said;
  if (const FileTensor* note = tensors.take(weight.stem + "comfy_quant")) {
    said = TRY(parse_json(text_of(*note), note->name));
  } else if (const nlohmann::json* noted = tensors.note(weight.stem)) {
    said = *noted;
  } else {
    return std::string();
  }
  ConfigReader reader(said, weight.stem + "comfy_quant");
  const std::string format = reader.string_or("format", "");
  const bool rotated = reader.boolean_or("convrot", false);
  TRY(reader.finish());
  constexpr std::array<std::string_view, 5> kRead = {"float8_e4m3fn", "float8_e5m2",
                                                     "int8_tensorwise", "mxfp8", "nvfp4"};
  if (std::ranges::find(kRead, format) == kRead.end())
    return refuse(weight.numbers, ErrorCode::unimplemented,
                  "ComfyUI's format {} is not read; float8_e4m3fn, float8_e5m2, int8_tensorwise, "
                  "mxfp8 and nvfp4 are",
                  in_quotes(format));
  if (rotated)
    return refuse(weight.numbers, ErrorCode::unimplemented,
                  "ComfyUI has rotated its rows (convrot), which is not read; a file without is");
  return format;
}

/// `x.weight`, `x.weight_scale`, and for nvfp4 `x.weight_scale_2`; or the older `x.scale_weight`.
Result<> join_comfy(Quantised& weight, Tensors& tensors) {
  const std::string format = TRY(comfy_format(weight, tensors));
  for (const std::string_view unused : {"input_scale", "scale_input", "output_scale"})
    tensors.take(weight.stem + std::string(unused));
  const FileTensor* factors = tensors.take(weight.stem + "weight_scale");
  if (factors == nullptr) factors = tensors.take(weight.stem + "scale_weight");
  if (const FileTensor* over_all = tensors.take(weight.stem + "weight_scale_2")) {
    if (format != "nvfp4")
      return refuse(weight.numbers, ErrorCode::unimplemented,
                    "4-bit numbers and nothing that says in which order; ComfyUI's nvfp4 is read");
    unpack_nibbles(weight, "F4");
    TRY(take_row_factors(weight, *over_all));
    return take_group_factors(weight, *factors, "F8_E4M3", 16, /*tiled=*/true);
  }
  const bool of_powers = factors->dtype_name == "F8_E8M0" || factors->dtype_name == "U8";
  if (of_powers) return take_group_factors(weight, *factors, "F8_E8M0", 32, /*tiled=*/true);
  return take_row_factors(weight, *factors);
}

// --- bitsandbytes
// ------------------------------------------------------------------------------------

/// `x.SCB`: the largest number of each row, which stands for 127.
Result<> join_bitsandbytes_int8(Quantised& weight, Tensors& tensors) {
  tensors.take(weight.stem + "weight_format");
  TRY(take_row_factors(weight, *tensors.take(weight.stem + "SCB")));
  for (float& factor : weight.scales->rows) factor *= 1.0f / 127;
  return {};
}

/// `absmax` as 8-bit places in a list, with factors and an offset of their own.
Result<std::vector<float>> read_nested_factors(const std::string& at, const FileTensor& places,
                                               ConfigReader& state, Tensors& tensors) {
  const FileTensor* map = tensors.take(at + ".nested_quant_map");
  const FileTensor* largest = tensors.take(at + ".nested_absmax");
  if (map == nullptr || largest == nullptr || map->elements() != 256)
    return refuse(places, ErrorCode::invalid_argument, "its nested factors are missing");
  const std::vector<float> levels = TRY(read_numbers(*map));
  const std::vector<float> factors = TRY(read_numbers(*largest));
  const auto block = static_cast<std::size_t>(state.integer("nested_blocksize", {1, 1 << 20}));
  const auto offset = static_cast<float>(state.number_or("nested_offset", 0));
  TRY(state.finish());
  const auto count = static_cast<std::size_t>(places.elements());
  if ((count + block - 1) / block != factors.size())
    return refuse(*largest, ErrorCode::invalid_argument, "{} factors of {} factors", factors.size(),
                  count);
  std::vector<float> numbers(count);
  for (std::size_t i = 0; i < count; ++i)
    numbers[i] =
        levels[std::to_integer<std::size_t>(places.bytes[i])] * factors[i / block] + offset;
  return numbers;
}

/// `x.weight.absmax` for runs of 64 numbers, and a note that holds the weight's shape.
Result<> join_bitsandbytes_nf4(Quantised& weight, Tensors& tensors) {
  const std::string at = weight.stem + "weight";
  const FileTensor& note = *tensors.take(at + ".quant_state.bitsandbytes__nf4");
  tensors.take(at + ".quant_map");
  const FileTensor* factors = tensors.take(at + ".absmax");
  if (factors == nullptr)
    return refuse(weight.numbers, ErrorCode::invalid_argument, "its absmax is missing");
  ConfigReader state = TRY(ConfigReader::parse(text_of(note), note.name));
  const std::vector<std::int64_t> shape = state.integers_or("shape", {}, 2, {1, 1 << 24});
  const std::int64_t group = state.integer("blocksize", {1, 1 << 16});
  TRY(state.finish());
  if (shape.size() != 2 || shape[0] * shape[1] != 2 * weight.numbers.elements())
    return refuse(note, ErrorCode::invalid_argument, "a shape of {} for {} bytes", to_string(shape),
                  weight.numbers.elements());
  std::vector<float> numbers = factors->dtype_name == "U8"
                                   ? TRY(read_nested_factors(at, *factors, state, tensors))
                                   : TRY(read_numbers(*factors));
  const std::int64_t elements = shape[0] * shape[1];
  if (std::ssize(numbers) != (elements + group - 1) / group)
    return refuse(*factors, ErrorCode::invalid_argument, "{} factors for a weight {}",
                  numbers.size(), to_string(shape));
  weight.joined.shape = shape;
  weight.joined.type = find_stored_type("NF4");
  StoredScales& scales = *weight.scales;
  scales.cols = elements;  // the runs do not end with the rows
  scales.group = group;
  scales.group_type = find_stored_type("F32");
  const auto bytes = std::as_bytes(std::span(numbers));
  scales.computed_groups.assign(bytes.begin(), bytes.end());
  scales.groups = scales.computed_groups;
  return {};
}

// --- torchao, optimum-quanto, sdnq
// -------------------------------------------------------------------

/// offsets = sign * zero [* factor] where a tool keeps a zero point; most keep zeros.
Result<> take_zero_points(Quantised& weight, const FileTensor* zeros, bool before_factor) {
  if (zeros == nullptr) return {};
  std::vector<float> offsets = TRY(read_numbers(*zeros));
  if (std::ranges::all_of(offsets, [](float zero) { return zero == 0; })) return {};
  if (std::ssize(offsets) != weight.rows() || weight.scales->group > 0)
    return refuse(*zeros, ErrorCode::unimplemented, "{} zero points for a weight {}",
                  offsets.size(), to_string(weight.joined.shape));
  for (std::size_t r = 0; before_factor && r < offsets.size(); ++r)
    offsets[r] *= -weight.scales->rows[weight.scales->rows.size() == 1 ? 0 : r];
  weight.scales->offsets = std::move(offsets);
  return {};
}

Result<> join_torchao(Quantised& weight, Tensors& tensors) {
  const FileTensor* factors = tensors.take(weight.stem + "_weight_scale");
  if (factors == nullptr)
    return refuse(weight.numbers, ErrorCode::invalid_argument, "its _weight_scale is missing");
  const bool grouped = factors->shape.size() == 2 && factors->shape[1] > 1;
  if (grouped && weight.cols() % factors->shape[1] == 0) {
    TRY(take_group_factors(weight, *factors, factors->dtype_name, weight.cols() / factors->shape[1],
                           /*tiled=*/false));
  } else {
    TRY(take_row_factors(weight, *factors));
  }
  return take_zero_points(weight, tensors.take(weight.stem + "_weight_zero_point"), true);
}

Result<> join_quanto(Quantised& weight, Tensors& tensors) {
  for (const std::string_view unused : {"input_scale", "output_scale"})
    tensors.take(weight.stem + std::string(unused));
  return take_row_factors(weight, *tensors.take(weight.stem + "weight._scale"));
}

Result<> join_sdnq(Quantised& weight, Tensors& tensors) {
  TRY(take_row_factors(weight, *tensors.take(weight.stem + "scale")));
  return take_zero_points(weight, tensors.take(weight.stem + "zero_point"), false);
}

// --- the table
// ---------------------------------------------------------------------------------------

/// A form is known by a tensor that no other weight has beside it.
struct Form {
  std::string_view tool;
  std::string_view mark;     // behind the stem
  std::string_view numbers;  // behind the stem
  Result<> (*join)(Quantised& weight, Tensors& tensors);
};
constexpr std::array kForms = {
    Form{"ComfyUI", "weight_scale", "weight", join_comfy},
    Form{"ComfyUI", "scale_weight", "weight", join_comfy},
    Form{"bitsandbytes", "SCB", "weight", join_bitsandbytes_int8},
    Form{"bitsandbytes", "weight.quant_state.bitsandbytes__nf4", "weight", join_bitsandbytes_nf4},
    Form{"torchao", "_weight_qdata", "_weight_qdata", join_torchao},
    Form{"optimum-quanto", "weight._scale", "weight._data", join_quanto},
    Form{"sdnq", "scale", "weight", join_sdnq},
};

/// The form whose mark `tensor` is; null for none.
const Form* form_of(const FileTensor& tensor, const Tensors& tensors) {
  for (const Form& form : kForms) {
    if (!tensor.name.ends_with(form.mark)) continue;
    const std::string stem = tensor.name.substr(0, tensor.name.size() - form.mark.size());
    if (!stem.empty() && stem.back() != '.') continue;
    const FileTensor* numbers = tensors.find(stem + std::string(form.numbers));
    // Norms have a `scale` too, and beside a weight that is complete there may lie anything.
    if (numbers == nullptr || numbers->type == nullptr || numbers->shape.size() != 2) continue;
    if (numbers->type->dtype == DType::other) return &form;
  }
  return nullptr;
}

Result<FileTensor> join(const Form& form, const FileTensor& mark, Tensors& tensors) {
  std::string stem = mark.name.substr(0, mark.name.size() - form.mark.size());
  const FileTensor& numbers = *tensors.take(stem + std::string(form.numbers));
  Quantised weight{.numbers = numbers,
                   .stem = std::move(stem),
                   .joined = numbers,
                   .scales = std::make_shared<StoredScales>()};
  weight.joined.name = weight.stem + "weight";
  weight.joined.dtype = DType::other;
  weight.scales->cols = weight.cols();
  TRY(form.join(weight, tensors));
  weight.joined.dtype_name = fmt::format("{} ({})", weight.joined.type->name, form.tool);
  weight.joined.scales = std::move(weight.scales);
  return std::move(weight.joined);
}

}  // namespace

Result<std::vector<FileTensor>> join_quantised(std::span<const FileTensor* const> tensors,
                                               std::span<const std::string> notes) {
  Tensors all(tensors);
  for (const std::string& note : notes) TRY(all.add_note(note));
  std::unordered_map<const FileTensor*, FileTensor> joined;  // by the numbers
  for (const FileTensor* tensor : tensors) {
    const Form* form = form_of(*tensor, all);
    if (form == nullptr || all.is_taken(*tensor)) continue;
    const std::string stem = tensor->name.substr(0, tensor->name.size() - form->mark.size());
    const FileTensor* numbers = all.find(stem + std::string(form->numbers));
    joined.emplace(numbers, TRY(join(*form, *tensor, all)));
  }
  std::vector<FileTensor> out;
  for (const FileTensor* tensor : tensors) {
    const auto found = joined.find(tensor);
    if (found != joined.end()) {
      out.push_back(std::move(found->second));
    } else if (!all.is_taken(*tensor)) {
      out.push_back(*tensor);
    }
  }
  return out;
}

}  // namespace imagined::engine
