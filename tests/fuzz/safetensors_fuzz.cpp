// Any bytes as a safetensors file: refused, or every span lies in the file and has its shape's
// size.
#include "base/check.h"
#include "engine/formats/safetensors.h"
#include "engine/formats/weight_names.h"

using namespace imagined::engine;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size_bytes) {
  const std::span<const std::byte> file = std::as_bytes(std::span(data, size_bytes));
  const imagined::Result<SafetensorsContent> content = parse_safetensors(file);
  if (!content) {
    CHECK(!content.error().message.empty(), "an error says what is wrong");
    return 0;
  }
  std::vector<std::string_view> names;
  for (const FileTensor& tensor : content->tensors) names.push_back(tensor.name);
  for (const Network network : {Network::flux2, Network::vae, Network::qwen3}) {
    const std::string prefix = network_prefix(names, network);
    const std::int64_t levels = count_indices(names, prefix + "decoder.up.");
    for (const std::string_view name : names)
      if (name.starts_with(prefix))
        CHECK(canonical_names(name.substr(prefix.size()), network, levels).names.size() <= 3,
              "at most query, key and value");
  }
  unsigned sum = 0;
  for (const FileTensor& tensor : content->tensors) {
    if (tensor.dtype != DType::other)
      CHECK(tensor.bytes.size() == static_cast<std::size_t>(tensor.elements()) *
                                       imagined::engine::size_bytes(tensor.dtype),
            "{} bytes for {}", tensor.bytes.size(), to_string(tensor.shape));
    for (const std::byte byte : tensor.bytes) sum += std::to_integer<unsigned>(byte);
  }
  volatile unsigned sink = sum;  // so that the bytes are really read
  static_cast<void>(sink);
  return 0;
}
