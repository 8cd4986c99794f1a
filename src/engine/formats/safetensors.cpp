#include "engine/formats/safetensors.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <nlohmann/json.hpp>
#include <optional>
#include <unordered_set>

#include "engine/formats/in_quotes.h"

namespace imagined::engine {
namespace {

using nlohmann::json;

struct FileType {
  std::string_view name;
  std::uint64_t bits;
  DType dtype;
};
constexpr std::array kFileTypes = {
    FileType{"BOOL", 8, DType::boolean},
    FileType{"U8", 8, DType::u8},
    FileType{"I8", 8, DType::i8},
    FileType{"F16", 16, DType::f16},
    FileType{"BF16", 16, DType::bf16},
    FileType{"F32", 32, DType::f32},
    FileType{"F64", 64, DType::f64},
    FileType{"I32", 32, DType::i32},
    FileType{"I64", 64, DType::i64},
    FileType{"I16", 16, DType::other},
    FileType{"U16", 16, DType::other},
    FileType{"U32", 32, DType::other},
    FileType{"U64", 64, DType::other},
    FileType{"C64", 64, DType::other},
    FileType{"F4", 4, DType::other},
    FileType{"F6_E2M3", 6, DType::other},
    FileType{"F6_E3M2", 6, DType::other},
    FileType{"F8_E5M2", 8, DType::other},
    FileType{"F8_E4M3", 8, DType::other},
    FileType{"F8_E8M0", 8, DType::other},
    FileType{"F8_E4M3FNUZ", 8, DType::other},
    FileType{"F8_E5M2FNUZ", 8, DType::other},
};

const FileType* file_type(std::string_view name) {
  const auto* found = std::find_if(kFileTypes.begin(), kFileTypes.end(),
                                   [&](const FileType& type) { return type.name == name; });
  return found == kFileTypes.end() ? nullptr : found;
}

std::string listed(const std::vector<std::uint64_t>& numbers) {
  std::string text;
  for (const std::uint64_t number : numbers)
    text += fmt::format("{}{}", text.empty() ? "[" : ", ", number);
  return text.empty() ? "[]" : text + "]";
}

// What the header says of one tensor, before anything is checked.
struct Entry {
  std::string name;
  std::optional<std::string> dtype;
  std::optional<std::vector<std::uint64_t>> shape;
  std::optional<std::vector<std::uint64_t>> offsets;
};

// Takes the header apart as it is read: nothing nested deeper than a tensor's lists is ever kept.
class HeaderBuilder {
 public:
  std::vector<Entry> entries;
  std::map<std::string, std::string, std::less<>> metadata;
  std::optional<Error> error;

  bool start_object(std::size_t) {
    ++depth_;
    if (depth_ == 1) return true;
    if (depth_ == 2 && !key_.empty()) return true;
    return refuse("nested deeper than a header can be");
  }
  bool end_object() {
    --depth_;
    if (depth_ == 1) in_metadata_ = false;
    return true;
  }
  bool key(std::string& text) {
    if (depth_ == 1) return begin_entry(text);
    key_ = text;
    if (in_metadata_) return metadata.count(key_) == 0 || refuse("metadata key twice");
    if (key_ != "dtype" && key_ != "shape" && key_ != "data_offsets") key_ = "?";
    return true;
  }
  bool start_array(std::size_t) {
    list_ = nullptr;
    if (depth_ == 2 && !in_metadata_) {
      Entry& entry = entries.back();
      if (key_ == "shape") return begin_list(entry.shape);
      if (key_ == "data_offsets") return begin_list(entry.offsets);
    }
    return refuse(unexpected());
  }
  bool end_array() {
    list_ = nullptr;
    return true;
  }
  bool string(std::string& text) {
    if (depth_ != 2) return refuse(unexpected());
    if (in_metadata_) return metadata.emplace(key_, text).second;
    if (key_ == "?") return true;
    if (key_ != "dtype") return refuse(unexpected());
    if (entries.back().dtype) return refuse("key \"dtype\" twice");
    entries.back().dtype = text;
    return true;
  }
  bool number_unsigned(std::uint64_t value) {
    if (list_ == nullptr) return scalar();
    if (list_->size() >= kMaxDimensions)
      return refuse(fmt::format("more than {} entries in \"{}\"", kMaxDimensions, key_));
    list_->push_back(value);
    return true;
  }
  bool number_integer(std::int64_t value) {
    if (list_ != nullptr) return refuse(fmt::format("\"{}\" holds {}", key_, value));
    return scalar();
  }
  bool number_float(double, const std::string& text) {
    if (list_ != nullptr) return refuse(fmt::format("\"{}\" holds {}", key_, in_quotes(text)));
    return scalar();
  }
  bool boolean(bool) { return scalar(); }
  bool null() { return scalar(); }
  bool binary(json::binary_t&) { return refuse(unexpected()); }
  bool parse_error(std::size_t position, const std::string&, const nlohmann::detail::exception&) {
    error = Error{ErrorCode::data_loss,
                  fmt::format("the header is not valid JSON (byte {} of it)", position),
                  {},
                  {}};
    return false;
  }

 private:
  bool begin_entry(const std::string& text) {
    key_ = "?";
    in_metadata_ = text == "__metadata__";
    if (in_metadata_) {
      if (std::exchange(metadata_seen_, true)) return refuse("\"__metadata__\" twice");
      return true;
    }
    if (text.size() > kMaxTensorNameBytes)
      return refuse(
          fmt::format("a tensor name of {} bytes, {} allowed", text.size(), kMaxTensorNameBytes));
    if (entries.size() >= kMaxTensors)
      return refuse(fmt::format("more than {} tensors", kMaxTensors));
    entries.push_back({text, {}, {}, {}});
    return names_.insert(text).second || refuse("named twice");
  }
  bool begin_list(std::optional<std::vector<std::uint64_t>>& list) {
    if (list) return refuse(fmt::format("key \"{}\" twice", key_));
    list_ = &list.emplace();
    return true;
  }
  // A number, a boolean or a null: only tolerated under keys that the format does not know.
  bool scalar() {
    if (depth_ == 2 && !in_metadata_ && key_ == "?") return true;
    return refuse(unexpected());
  }
  std::string unexpected() const {
    if (depth_ < 2) return "the value is not an object";
    return fmt::format("a value of the wrong type under {}", in_quotes(key_));
  }
  bool refuse(std::string what) {
    const bool of_tensor = depth_ >= 1 && !in_metadata_ && !entries.empty();
    error = Error{ErrorCode::data_loss,
                  of_tensor ? fmt::format("tensor {}: {}", in_quotes(entries.back().name), what)
                            : fmt::format("header: {}", what),
                  {},
                  {}};
    return false;
  }

  int depth_ = 0;
  bool in_metadata_ = false;
  bool metadata_seen_ = false;
  std::string key_;
  std::vector<std::uint64_t>* list_ = nullptr;
  std::unordered_set<std::string> names_;
};

struct Range {
  FileTensor tensor;
  std::uint64_t begin = 0;
  std::uint64_t end = 0;
};

/// Bytes that a tensor of this shape takes, or nothing when that overflows or splits a byte.
std::optional<std::uint64_t> bytes_of(std::span<const std::uint64_t> shape, std::uint64_t bits) {
  std::uint64_t total = bits;
  for (const std::uint64_t size : shape) {
    if (size > static_cast<std::uint64_t>(INT64_MAX)) return std::nullopt;
    if (__builtin_mul_overflow(total, size, &total)) return std::nullopt;
  }
  if (total % 8 != 0) return std::nullopt;
  return total / 8;
}

Result<Range> check_entry(const Entry& entry, std::span<const std::byte> buffer) {
  if (!entry.dtype) return fail_tensor(ErrorCode::data_loss, entry.name, "no \"dtype\"");
  if (!entry.shape) return fail_tensor(ErrorCode::data_loss, entry.name, "no \"shape\"");
  if (!entry.offsets || entry.offsets->size() != 2)
    return fail_tensor(ErrorCode::data_loss, entry.name, "no pair of \"data_offsets\"");
  const FileType* type = file_type(*entry.dtype);
  if (type == nullptr)
    return fail_tensor(ErrorCode::invalid_argument, entry.name, "unknown dtype {}",
                       in_quotes(*entry.dtype));
  const std::uint64_t begin = (*entry.offsets)[0];
  const std::uint64_t end = (*entry.offsets)[1];
  if (begin > end)
    return fail_tensor(ErrorCode::data_loss, entry.name, "data_offsets [{}, {}] run backwards",
                       begin, end);
  const std::optional<std::uint64_t> size_bytes = bytes_of(*entry.shape, type->bits);
  if (!size_bytes)
    return fail_tensor(ErrorCode::invalid_argument, entry.name,
                       "a shape of {} with {} has no size in bytes", listed(*entry.shape),
                       *entry.dtype);
  if (*size_bytes != end - begin)
    return fail_tensor(ErrorCode::data_loss, entry.name,
                       "{} of {} takes {} bytes, data_offsets hold {}", listed(*entry.shape),
                       *entry.dtype, *size_bytes, end - begin);
  if (end > buffer.size())
    return fail_tensor(ErrorCode::data_loss, entry.name,
                       "ends at byte {}, the file has only {} bytes of tensors", end,
                       buffer.size());
  Range range;
  range.begin = begin;
  range.end = end;
  range.tensor.name = entry.name;
  range.tensor.dtype = type->dtype;
  range.tensor.dtype_name = *entry.dtype;
  if (type->bits % 8 == 0) range.tensor.type = find_stored_type(type->name);
  range.tensor.shape.assign(entry.shape->begin(), entry.shape->end());
  range.tensor.bytes = buffer.subspan(begin, end - begin);
  return range;
}

/// The tensors must cover the buffer without a hole and without an overlap.
Result<> check_cover(std::span<const Range> ranges, std::uint64_t buffer_bytes) {
  std::uint64_t covered = 0;
  for (const Range& range : ranges) {
    if (range.begin != covered)
      return fail_tensor(ErrorCode::data_loss, range.tensor.name,
                         "starts at byte {}, expected {} ({})", range.begin, covered,
                         range.begin < covered ? "tensors overlap" : "a gap before it");
    covered = range.end;
  }
  if (covered != buffer_bytes)
    return fail(ErrorCode::data_loss,
                fmt::format("tensors cover {} bytes, the file has {}", covered, buffer_bytes));
  return {};
}

/// Names the formats that are most often mistaken for this one. The first eight bytes of a
/// safetensors file are any number, such as 0x480, which begins like a pickle; the header behind
/// them begins with a brace.
std::string_view other_format(std::span<const std::byte> file) {
  if (file.size() > 8 && file[8] == std::byte{'{'}) return {};
  const auto starts = [&](std::string_view magic) {
    return file.size() >= magic.size() && std::memcmp(file.data(), magic.data(), magic.size()) == 0;
  };
  if (starts("GGUF")) return "a GGUF file, not safetensors";
  if (starts("PK\x03\x04")) return "a zip archive (a PyTorch file?), not safetensors";
  if (starts("\x80\x02") || starts("\x80\x03") || starts("\x80\x04"))
    return "a Python pickle, not safetensors; pickles are never read";
  std::string begin(reinterpret_cast<const char*>(file.data()),
                    std::min<std::size_t>(file.size(), 64));
  std::transform(begin.begin(), begin.end(), begin.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  const std::size_t text = begin.find_first_not_of(" \t\r\n\xef\xbb\xbf");
  const auto begins = [&](std::string_view mark) {
    return text != std::string::npos && std::string_view(begin).substr(text).starts_with(mark);
  };
  if (begins("<!doctype") || begins("<html") || begins("<head") || begins("<?xml"))
    return "an HTML page, not safetensors: a login or error page was saved in its place?";
  if (begins("{\"") || begins("{}") || begins("[{") || begins("{\n") || begins("{ "))
    return "a JSON text, not safetensors: an error message was saved in its place?";
  if (starts("version https://git-lfs"))
    return "a Git LFS pointer: the weights themselves were not downloaded";
  return {};
}

Result<std::string_view> header_text(std::span<const std::byte> file) {
  if (file.empty()) return fail(ErrorCode::data_loss, "the file is empty");
  if (const std::string_view other = other_format(file); !other.empty())
    return fail(ErrorCode::invalid_argument, std::string(other));
  if (file.size() < 8)
    return fail(ErrorCode::data_loss,
                fmt::format("the file has {} bytes, too few for safetensors", file.size()));
  std::uint64_t header_bytes = 0;
  for (int i = 7; i >= 0; --i)
    header_bytes =
        header_bytes << 8 | std::to_integer<std::uint64_t>(file[static_cast<std::size_t>(i)]);
  if (header_bytes > kMaxHeaderBytes)
    return fail(ErrorCode::data_loss,
                fmt::format("a header of {} bytes, {} allowed: not safetensors", header_bytes,
                            kMaxHeaderBytes));
  if (header_bytes > file.size() - 8)
    return fail(ErrorCode::data_loss,
                fmt::format("a header of {} bytes in a file of {}: cut short, or not safetensors",
                            header_bytes, file.size()));
  const std::string_view text(reinterpret_cast<const char*>(file.data()) + 8, header_bytes);
  if (text.empty() || text.front() != '{')
    return fail(ErrorCode::data_loss, "the header does not start with '{': not safetensors");
  return text;
}

}  // namespace

Result<SafetensorsContent> parse_safetensors(std::span<const std::byte> file) {
  const std::string_view text = TRY(header_text(file));
  HeaderBuilder reader;
  if (!json::sax_parse(text.begin(), text.end(), &reader))
    return tl::unexpected(reader.error.value_or(
        Error{ErrorCode::data_loss, "the header is not a safetensors header", {}, {}}));
  const std::span<const std::byte> buffer = file.subspan(8 + text.size());
  std::vector<Range> ranges;
  ranges.reserve(reader.entries.size());
  for (const Entry& entry : reader.entries) ranges.push_back(TRY(check_entry(entry, buffer)));
  std::sort(ranges.begin(), ranges.end(), [](const Range& a, const Range& b) {
    return std::pair(a.begin, a.end) < std::pair(b.begin, b.end);
  });
  TRY(check_cover(ranges, buffer.size()));
  SafetensorsContent content;
  content.metadata = std::move(reader.metadata);
  content.tensors.reserve(ranges.size());
  for (Range& range : ranges) content.tensors.push_back(std::move(range.tensor));
  return content;
}

Result<SafetensorsFile> SafetensorsFile::open(const std::filesystem::path& path) {
  SafetensorsFile file;
  file.map_ = TRY(FileMap::open(path));
  Result<SafetensorsContent> content = parse_safetensors(file.map_.bytes());
  if (!content) {
    Error error = std::move(content.error());
    error.message = fmt::format("{}: {}", path.filename().string(), error.message);
    error.detail = path.string();
    return tl::unexpected(std::move(error));
  }
  file.content_ = std::move(*content);
  for (std::size_t i = 0; i < file.content_.tensors.size(); ++i)
    file.by_name_.emplace(file.content_.tensors[i].name, i);
  return file;
}

const FileTensor* SafetensorsFile::find(std::string_view name) const {
  const auto found = by_name_.find(name);
  return found == by_name_.end() ? nullptr : &content_.tensors[found->second];
}

}  // namespace imagined::engine
