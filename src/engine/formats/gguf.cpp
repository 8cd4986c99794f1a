#include "engine/formats/gguf.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "base/utf8.h"
#include "engine/formats/in_quotes.h"

namespace imagined::engine {
namespace {

// --- types of tensors --------------------------------------------------------------------------

/// A type of tensor as ggml numbers it; those that are read aside.
struct TensorType {
  std::uint32_t number;
  std::string_view name;
  std::int64_t elements;    // per block
  std::int64_t size_bytes;  // per block
  DType dtype;
};
constexpr std::array kTensorTypes = {
    TensorType{16, "IQ2_XXS", 256, 66, DType::other},
    TensorType{17, "IQ2_XS", 256, 74, DType::other},
    TensorType{18, "IQ3_XXS", 256, 98, DType::other},
    TensorType{19, "IQ1_S", 256, 50, DType::other},
    TensorType{21, "IQ3_S", 256, 110, DType::other},
    TensorType{22, "IQ2_S", 256, 82, DType::other},
    TensorType{24, "I8", 1, 1, DType::i8},
    TensorType{25, "I16", 1, 2, DType::other},
    TensorType{26, "I32", 1, 4, DType::i32},
    TensorType{27, "I64", 1, 8, DType::i64},
    TensorType{28, "F64", 1, 8, DType::f64},
    TensorType{29, "IQ1_M", 256, 56, DType::other},
    TensorType{34, "TQ1_0", 256, 54, DType::other},
    TensorType{35, "TQ2_0", 256, 66, DType::other},
    TensorType{41, "Q1_0", 128, 18, DType::other},
};

std::optional<TensorType> tensor_type(std::uint32_t number) {
  if (const StoredType* type = find_ggml_type(number))
    return TensorType{number, type->name, type->elements, type->size_bytes, type->dtype};
  for (const TensorType& type : kTensorTypes)
    if (type.number == number) return type;
  return std::nullopt;
}

// --- types of values ---------------------------------------------------------------------------

constexpr std::uint32_t kI8 = 1;
constexpr std::uint32_t kI16 = 3;
constexpr std::uint32_t kU32 = 4;
constexpr std::uint32_t kI32 = 5;
constexpr std::uint32_t kF32 = 6;
constexpr std::uint32_t kBool = 7;
constexpr std::uint32_t kString = 8;
constexpr std::uint32_t kArray = 9;
constexpr std::uint32_t kU64 = 10;
constexpr std::uint32_t kI64 = 11;
constexpr std::uint32_t kF64 = 12;

/// Bytes of a value of fixed size; 0 for strings, arrays and types nobody knows.
std::uint64_t value_bytes(std::uint32_t type) {
  static constexpr std::array<std::uint64_t, 13> kBytes = {1, 1, 2, 2, 4, 4, 4, 1, 0, 0, 8, 8, 8};
  return type < kBytes.size() ? kBytes[type] : 0;
}

// --- reading the header ------------------------------------------------------------------------

/// A tensor as the header describes it, before anything is checked.
struct Info {
  std::string name;
  std::vector<std::uint64_t> sizes;  // innermost first
  std::uint32_t type = 0;
  std::uint64_t offset = 0;  // from the beginning of the data
};

/// Walks over everything that stands before the data, from the file's first byte.
class GgufReader {
 public:
  explicit GgufReader(std::span<const std::byte> file) : file_(file) {}

  std::uint64_t alignment = 32;
  /// The shapes that `comfy.gguf.orig_shape.` gives, by the tensor's name; in PyTorch's order.
  std::map<std::string, std::vector<std::int64_t>, std::less<>> original_shapes;
  std::vector<Info> infos;
  /// Of keys that begin with `kept_prefix`, where there is one.
  GgufKeys kept;
  std::string_view kept_prefix;

  Result<> read();
  /// How much of the file it was.
  std::size_t size_bytes() const { return at_; }

 private:
  template <class T>
  Result<T> number();
  Result<std::string_view> text(std::size_t longest);
  Result<> skip(std::uint64_t count, std::uint64_t size_bytes);
  Result<> skip_value(std::uint32_t type, int depth);
  Result<> read_key();
  Result<GgufValue> kept_value(std::uint32_t type);
  Result<GgufValue> kept_array();
  Result<std::int64_t> whole(std::uint32_t type);
  Result<> read_original_shape(std::string_view name, std::uint32_t type);
  Result<> read_info();
  std::size_t left() const {
    return std::min<std::size_t>(file_.size(), kMaxGgufHeaderBytes) - at_;
  }
  tl::unexpected<Error> refuse(ErrorCode code, std::string_view what) const {
    return fail(code, fmt::format("{}: {}", where_, what));
  }
  tl::unexpected<Error> cut_short() const {
    if (file_.size() > kMaxGgufHeaderBytes)
      return refuse(ErrorCode::data_loss,
                    fmt::format("the header exceeds {} bytes", kMaxGgufHeaderBytes));
    return refuse(ErrorCode::data_loss, "the file ends here: cut short, or not GGUF");
  }

  std::span<const std::byte> file_;
  std::size_t at_ = 0;
  std::string where_ = "header";  // what error messages speak of
  std::set<std::string, std::less<>> keys_;
  std::set<std::string, std::less<>> names_;
};

template <class T>
Result<T> GgufReader::number() {
  if (left() < sizeof(T)) return cut_short();
  std::uint64_t value = 0;  // little-endian, whatever the machine is
  for (std::size_t i = sizeof(T); i-- > 0;)
    value = value << 8 | std::to_integer<std::uint64_t>(file_[at_ + i]);
  at_ += sizeof(T);
  return static_cast<T>(value);
}

Result<std::string_view> GgufReader::text(std::size_t longest) {
  const auto size = TRY(number<std::uint64_t>());
  if (size > left()) return cut_short();
  if (size > longest)
    return refuse(ErrorCode::data_loss,
                  fmt::format("a name of {} bytes, {} allowed", size, longest));
  const std::string_view text(reinterpret_cast<const char*>(file_.data()) + at_, size);
  if (!is_utf8(text))
    return refuse(ErrorCode::data_loss, fmt::format("a name of {} bytes is not UTF-8", size));
  at_ += size;
  return text;
}

Result<> GgufReader::skip(std::uint64_t count, std::uint64_t size_bytes) {
  if (count > left() / size_bytes) return cut_short();
  at_ += count * size_bytes;
  return {};
}

/// A value of any type; arrays of strings and arrays of arrays one by one, each of which takes 8
/// bytes or more of the file, so that no count can make this long.
Result<> GgufReader::skip_value(std::uint32_t type, int depth) {
  if (const std::uint64_t size_bytes = value_bytes(type); size_bytes > 0)
    return skip(1, size_bytes);
  if (type == kString) return skip(TRY(number<std::uint64_t>()), 1);
  if (type != kArray)
    return refuse(ErrorCode::data_loss, fmt::format("values of type {} do not exist", type));
  if (depth >= kMaxGgufArrayDepth)
    return refuse(ErrorCode::data_loss,
                  fmt::format("arrays nested deeper than {}", kMaxGgufArrayDepth));
  const auto inner = TRY(number<std::uint32_t>());
  const auto count = TRY(number<std::uint64_t>());
  if (const std::uint64_t size_bytes = value_bytes(inner); size_bytes > 0)
    return skip(count, size_bytes);
  for (std::uint64_t i = 0; i < count; ++i) TRY(skip_value(inner, depth + 1));
  return {};
}

Result<> GgufReader::read_original_shape(std::string_view name, std::uint32_t type) {
  const auto inner = type == kArray ? TRY(number<std::uint32_t>()) : 0;
  if (inner != kI32 && inner != kU32 && inner != kI64 && inner != kU64)
    return refuse(ErrorCode::data_loss, "expected an array of integers");
  const auto count = TRY(number<std::uint64_t>());
  if (count > kMaxDimensions)
    return refuse(ErrorCode::data_loss, fmt::format("{} sizes, {} allowed", count, kMaxDimensions));
  std::vector<std::int64_t> shape;
  for (std::uint64_t i = 0; i < count; ++i) {
    std::int64_t size = 0;
    if (inner == kI32) size = TRY(number<std::int32_t>());
    if (inner == kU32) size = TRY(number<std::uint32_t>());
    if (inner == kI64 || inner == kU64) size = TRY(number<std::int64_t>());
    if (size < 0) return refuse(ErrorCode::data_loss, fmt::format("a size of {}", size));
    shape.push_back(size);
  }
  original_shapes.emplace(name, std::move(shape));
  return {};
}

bool is_fraction(std::uint32_t type) { return type == kF32 || type == kF64; }

/// A whole number of that type.
Result<std::int64_t> GgufReader::whole(std::uint32_t type) {
  switch (value_bytes(type)) {
    case 1:
      return type == kI8 ? std::int64_t{TRY(number<std::int8_t>())}
                         : std::int64_t{TRY(number<std::uint8_t>())};
    case 2:
      return type == kI16 ? std::int64_t{TRY(number<std::int16_t>())}
                          : std::int64_t{TRY(number<std::uint16_t>())};
    case 4:
      return type == kI32 ? std::int64_t{TRY(number<std::int32_t>())}
                          : std::int64_t{TRY(number<std::uint32_t>())};
    default:
      break;
  }
  const auto value = TRY(number<std::int64_t>());
  if (type == kU64 && value < 0) return refuse(ErrorCode::data_loss, "a number above every int64");
  return value;
}

Result<GgufValue> GgufReader::kept_array() {
  const auto inner = TRY(number<std::uint32_t>());
  const auto count = TRY(number<std::uint64_t>());
  const std::uint64_t size_bytes = inner == kString ? sizeof(std::uint64_t) : value_bytes(inner);
  if (size_bytes == 0 || inner == kBool)
    return refuse(ErrorCode::data_loss, fmt::format("an array of type {} is not read", inner));
  if (count > left() / size_bytes) return cut_short();
  if (inner == kString) {
    std::vector<std::string> texts;
    for (std::uint64_t i = 0; i < count; ++i) texts.emplace_back(TRY(text(kMaxGgufHeaderBytes)));
    return GgufValue(std::move(texts));
  }
  if (is_fraction(inner)) {
    std::vector<double> fractions;
    for (std::uint64_t i = 0; i < count; ++i)
      fractions.push_back(inner == kF32 ? double{std::bit_cast<float>(TRY(number<std::uint32_t>()))}
                                        : std::bit_cast<double>(TRY(number<std::uint64_t>())));
    return GgufValue(std::move(fractions));
  }
  std::vector<std::int64_t> numbers;
  for (std::uint64_t i = 0; i < count; ++i) numbers.push_back(TRY(whole(inner)));
  return GgufValue(std::move(numbers));
}

Result<GgufValue> GgufReader::kept_value(std::uint32_t type) {
  if (type == kString) return GgufValue(std::string(TRY(text(kMaxGgufHeaderBytes))));
  if (type == kArray) return kept_array();
  if (type == kBool) return GgufValue(TRY(number<std::uint8_t>()) != 0);
  if (type == kF32) return GgufValue(double{std::bit_cast<float>(TRY(number<std::uint32_t>()))});
  if (type == kF64) return GgufValue(std::bit_cast<double>(TRY(number<std::uint64_t>())));
  if (value_bytes(type) == 0)
    return refuse(ErrorCode::data_loss, fmt::format("values of type {} do not exist", type));
  return GgufValue(TRY(whole(type)));
}

Result<> GgufReader::read_key() {
  const std::string_view key = TRY(text(kMaxGgufKeyBytes));
  where_ = fmt::format("key {}", in_quotes(key));
  if (!keys_.emplace(key).second) return refuse(ErrorCode::data_loss, "given twice");
  const auto type = TRY(number<std::uint32_t>());
  if (!kept_prefix.empty() && key.starts_with(kept_prefix)) {
    kept.emplace(key, TRY(kept_value(type)));
    return {};
  }
  constexpr std::string_view kOriginalShape = "comfy.gguf.orig_shape.";
  if (key.starts_with(kOriginalShape))
    return read_original_shape(key.substr(kOriginalShape.size()), type);
  if (key != "general.alignment") return skip_value(type, 0);
  if (type != kU32)
    return refuse(ErrorCode::data_loss,
                  fmt::format("expected type {} (u32), found {}", kU32, type));
  alignment = TRY(number<std::uint32_t>());
  if (alignment == 0 || (alignment & (alignment - 1)) != 0 || alignment > kMaxGgufAlignment)
    return refuse(ErrorCode::data_loss, fmt::format("expected a power of two up to {}, found {}",
                                                    kMaxGgufAlignment, alignment));
  return {};
}

Result<> GgufReader::read_info() {
  Info info;
  info.name = TRY(text(kMaxTensorNameBytes));
  where_ = fmt::format("tensor {}", in_quotes(info.name));
  if (!names_.insert(info.name).second) return refuse(ErrorCode::data_loss, "named twice");
  const auto dimensions = TRY(number<std::uint32_t>());
  if (dimensions > kMaxGgufDimensions)
    return refuse(ErrorCode::data_loss,
                  fmt::format("{} dimensions, {} allowed", dimensions, kMaxGgufDimensions));
  for (std::uint32_t i = 0; i < dimensions; ++i) info.sizes.push_back(TRY(number<std::uint64_t>()));
  info.type = TRY(number<std::uint32_t>());
  info.offset = TRY(number<std::uint64_t>());
  infos.push_back(std::move(info));
  return {};
}

Result<> GgufReader::read() {
  TRY(number<std::uint32_t>());  // the magic
  const auto version = TRY(number<std::uint32_t>());
  if ((version & 0xffffu) == 0 && version != 0)
    return refuse(ErrorCode::unimplemented, "a big-endian GGUF file, only little-endian is read");
  if (version != 2 && version != 3)
    return refuse(ErrorCode::unimplemented,
                  fmt::format("GGUF version {}, only 2 and 3 are read", version));
  const auto tensors = TRY(number<std::uint64_t>());
  const auto keys = TRY(number<std::uint64_t>());
  if (tensors > kMaxTensors)
    return refuse(ErrorCode::data_loss,
                  fmt::format("{} tensors, {} allowed", tensors, kMaxTensors));
  if (keys > kMaxGgufKeys)
    return refuse(ErrorCode::data_loss, fmt::format("{} keys, {} allowed", keys, kMaxGgufKeys));
  for (std::uint64_t i = 0; i < keys; ++i) {
    where_ = fmt::format("key {} of {}", i + 1, keys);
    TRY(read_key());
  }
  for (std::uint64_t i = 0; i < tensors; ++i) {
    where_ = fmt::format("tensor {} of {}", i + 1, tensors);
    TRY(read_info());
  }
  return {};
}

// --- checking the tensors ----------------------------------------------------------------------

/// The product of the sizes in this order, as FileTensor::elements multiplies them; nothing when a
/// step overflows.
std::optional<std::int64_t> elements_of(std::span<const std::int64_t> shape) {
  std::int64_t total = 1;
  for (const std::int64_t size : shape)
    if (__builtin_mul_overflow(total, size, &total)) return std::nullopt;
  return total;
}

/// Sizes innermost first to a shape, or nothing when it has no size in bytes.
std::optional<std::vector<std::int64_t>> shape_of(const Info& info, const TensorType& type) {
  std::vector<std::int64_t> shape;
  for (auto size = info.sizes.rbegin(); size != info.sizes.rend(); ++size) {
    if (*size > static_cast<std::uint64_t>(INT64_MAX)) return std::nullopt;
    shape.push_back(static_cast<std::int64_t>(*size));
  }
  const std::optional<std::int64_t> elements = elements_of(shape);
  if (!elements || *elements > INT64_MAX / type.size_bytes) return std::nullopt;
  return shape;
}

Result<FileTensor> check_info(const Info& info, std::uint64_t alignment,
                              std::span<const std::byte> data) {
  const std::optional<TensorType> type = tensor_type(info.type);
  if (!type)
    return fail_tensor(ErrorCode::unimplemented, info.name, "stored as type {}, which is not known",
                       info.type);
  const std::optional<std::vector<std::int64_t>> shape = shape_of(info, *type);
  if (!shape)
    return fail_tensor(ErrorCode::invalid_argument, info.name, "its shape has no size in bytes");
  FileTensor tensor{.name = info.name,
                    .dtype = type->dtype,
                    .dtype_name = std::string(type->name),
                    .shape = *shape,
                    .bytes = {},
                    .type = find_ggml_type(info.type),
                    .scales = nullptr};
  const std::int64_t row = shape->empty() ? 1 : shape->back();
  if (row % type->elements != 0)
    return fail_tensor(ErrorCode::invalid_argument, info.name,
                       "rows of {} elements, expected whole blocks of {} ({})", row, type->elements,
                       type->name);
  const auto size_bytes =
      static_cast<std::uint64_t>(tensor.elements() / type->elements * type->size_bytes);
  if (info.offset % alignment != 0)
    return fail_tensor(ErrorCode::data_loss, info.name,
                       "starts at byte {}, expected a multiple of {}", info.offset, alignment);
  if (info.offset > data.size() || size_bytes > data.size() - info.offset)
    return fail_tensor(ErrorCode::data_loss, info.name,
                       "{} of {} takes {} bytes from byte {} on, the file has {} bytes of tensors: "
                       "cut short?",
                       to_string(*shape), type->name, size_bytes, info.offset, data.size());
  tensor.bytes = data.subspan(info.offset, size_bytes);
  return tensor;
}

Result<> take_original_shape(const GgufReader& header, FileTensor& tensor) {
  const auto found = header.original_shapes.find(tensor.name);
  if (found == header.original_shapes.end()) return {};
  if (elements_of(found->second) != tensor.elements())
    return fail_tensor(ErrorCode::invalid_argument, tensor.name,
                       "stored as {}, but comfy.gguf.orig_shape says {}", to_string(tensor.shape),
                       to_string(found->second));
  tensor.shape = found->second;
  return {};
}

/// By their bytes; gaps are padding, but no byte may belong to two tensors.
Result<> sort_apart(std::vector<FileTensor>& tensors) {
  std::sort(tensors.begin(), tensors.end(), [](const FileTensor& a, const FileTensor& b) {
    return std::pair(a.bytes.data(), a.bytes.size()) < std::pair(b.bytes.data(), b.bytes.size());
  });
  const FileTensor* before = nullptr;
  for (const FileTensor& tensor : tensors) {
    if (tensor.bytes.empty()) continue;
    if (before != nullptr && before->bytes.data() + before->bytes.size() > tensor.bytes.data())
      return fail_tensor(ErrorCode::data_loss, tensor.name, "overlaps tensor {}",
                         in_quotes(before->name));
    before = &tensor;
  }
  return {};
}

}  // namespace

bool is_gguf(std::span<const std::byte> file) {
  constexpr std::string_view kMagic = "GGUF";
  return file.size() >= kMagic.size() &&
         std::memcmp(file.data(), kMagic.data(), kMagic.size()) == 0;
}

Result<std::vector<FileTensor>> parse_gguf(std::span<const std::byte> file) {
  if (!is_gguf(file))
    return fail(ErrorCode::data_loss,
                file.empty() ? "the file is empty" : "the file does not start with \"GGUF\"");
  GgufReader header(file);
  TRY(header.read());
  const std::uint64_t padding =
      (header.alignment - header.size_bytes() % header.alignment) % header.alignment;
  // A file without tensors may end before the padding does.
  const std::span<const std::byte> data =
      file.subspan(std::min<std::size_t>(header.size_bytes() + padding, file.size()));
  std::vector<FileTensor> tensors;
  tensors.reserve(header.infos.size());
  for (const Info& info : header.infos) {
    tensors.push_back(TRY(check_info(info, header.alignment, data)));
    TRY(take_original_shape(header, tensors.back()));
  }
  TRY(sort_apart(tensors));
  return tensors;
}

Result<GgufKeys> read_gguf_keys(std::span<const std::byte> file, std::string_view prefix) {
  if (!is_gguf(file)) return fail(ErrorCode::data_loss, "the file does not start with \"GGUF\"");
  GgufReader header(file);
  header.kept_prefix = prefix;
  TRY(header.read());
  return std::move(header.kept);
}

}  // namespace imagined::engine
