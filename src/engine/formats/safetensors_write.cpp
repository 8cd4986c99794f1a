#include "engine/formats/safetensors_write.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <numeric>
#include <set>

#include "base/check.h"
#include "base/json_text.h"
#include "engine/formats/file_tensor.h"

namespace imagined::engine {
namespace {

// The reference writer's order of types: larger elements first, so that each tensor is aligned.
int rank(DType dtype) {
  switch (dtype) {
    case DType::i64:
      return 0;
    case DType::f64:
      return 1;
    case DType::f32:
      return 2;
    case DType::i32:
      return 3;
    case DType::bf16:
      return 4;
    case DType::f16:
      return 5;
    case DType::i8:
      return 6;
    case DType::u8:
      return 7;
    case DType::boolean:
      return 8;
    case DType::other:
      break;
  }
  CHECK(false, "a tensor without a dtype cannot be written");
  return 9;
}

std::string header(std::span<const TensorToWrite* const> tensors,
                   const std::map<std::string, std::string, std::less<>>& metadata) {
  JsonText entries = JsonText::object();
  if (!metadata.empty()) {
    JsonText values = JsonText::object();
    for (const auto& [key, value] : metadata) values.add(key, value);
    entries.add("__metadata__", values);
  }
  std::set<std::string_view> names;
  std::size_t offset = 0;
  for (const TensorToWrite* tensor : tensors) {
    CHECK(names.insert(tensor->name).second, "tensor {} twice", tensor->name);
    const std::size_t end = offset + tensor->bytes.size();
    entries.add(tensor->name,
                JsonText::object({{"dtype", name(tensor->dtype)},
                                  {"shape", JsonText::array_of(tensor->shape)},
                                  {"data_offsets", JsonText::array().push(offset).push(end)}}));
    offset = end;
  }
  std::string text = entries.text();
  text.resize((text.size() + 7) / 8 * 8, ' ');
  std::string out(8, '\0');
  for (std::size_t i = 0; i < 8; ++i)
    out[i] = static_cast<char>(static_cast<std::uint64_t>(text.size()) >> (8 * i));
  return out + text;
}

tl::unexpected<Error> failed(const std::filesystem::path& path, int error) {
  ErrorCode code = ErrorCode::unavailable;
  if (error == ENOSPC || error == EDQUOT) code = ErrorCode::storage_full;
  if (error == EACCES || error == EPERM || error == EROFS) code = ErrorCode::permission_denied;
  if (error == ENOENT || error == ENOTDIR) code = ErrorCode::not_found;
  return fail(code, fmt::format("{}: {}", path.filename().string(), std::strerror(error)), {},
              path.string());
}

/// A descriptor that closes itself.
struct Descriptor {
  int number = -1;
  ~Descriptor() {
    if (number >= 0) ::close(number);
  }
};

bool write_all(int descriptor, const void* data, std::size_t size_bytes) {
  const auto* next = static_cast<const std::byte*>(data);
  while (size_bytes > 0) {
    const ssize_t written = ::write(descriptor, next, size_bytes);
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return false;
    next += written;
    size_bytes -= static_cast<std::size_t>(written);
  }
  return true;
}

}  // namespace

Result<> write_safetensors(const std::filesystem::path& path,
                           std::span<const TensorToWrite> tensors,
                           const std::map<std::string, std::string, std::less<>>& metadata) {
  std::vector<const TensorToWrite*> order;
  for (const TensorToWrite& tensor : tensors) {
    const std::int64_t elements = std::accumulate(tensor.shape.begin(), tensor.shape.end(),
                                                  std::int64_t{1}, std::multiplies<>());
    const std::size_t size_bytes_expected =
        static_cast<std::size_t>(elements) * size_bytes(tensor.dtype);
    CHECK(tensor.bytes.size() == size_bytes_expected, "tensor {}: {} bytes for {}", tensor.name,
          tensor.bytes.size(), to_string(tensor.shape));
    order.push_back(&tensor);
  }
  std::sort(order.begin(), order.end(), [](const TensorToWrite* a, const TensorToWrite* b) {
    return std::pair(rank(a->dtype), std::string_view(a->name)) <
           std::pair(rank(b->dtype), std::string_view(b->name));
  });
  const std::filesystem::path partial = path.string() + ".partial";
  Descriptor file{::open(partial.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644)};
  if (file.number < 0) return failed(path, errno);
  const std::string text = header(order, metadata);
  bool written = write_all(file.number, text.data(), text.size());
  for (const TensorToWrite* tensor : order)
    written = written && write_all(file.number, tensor->bytes.data(), tensor->bytes.size());
  if (!written || ::rename(partial.c_str(), path.c_str()) != 0) {
    const int error = errno;
    ::unlink(partial.c_str());
    return failed(path, error);
  }
  return {};
}

}  // namespace imagined::engine
