// Any bytes as a safetensors file: refused, or every span lies in the file and has its shape's
// size.
#include "base/check.h"
#include "engine/formats/safetensors.h"
#include "engine/models/clip/clip_names.h"
#include "engine/models/flux1/flux1_names.h"
#include "engine/models/flux2/flux2_names.h"
#include "engine/models/qwen3/qwen3_names.h"
#include "engine/models/t5/t5_names.h"
#include "engine/models/vae/vae_names.h"

using namespace imagined::engine;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size_bytes) {
  const std::span<const std::byte> file = std::as_bytes(std::span(data, size_bytes));
  const imagined::Result<SafetensorsContent> content = parse_safetensors(file);
  if (!content) {
    CHECK(!content.error().message.empty(), "an error says what is wrong");
    return 0;
  }
  std::vector<const FileTensor*> tensors;
  for (const FileTensor& tensor : content->tensors) tensors.push_back(&tensor);
  const NameTable* const tables[] = {&flux2_names(), &flux1_names(), &qwen3_names(),
                                     &clip_names(),  &t5_names(),    &vae_names()};
  const Contents contents = sort_tensors(tensors, tables);
  std::size_t owned = contents.strays.size();
  for (const NetworkTensors& network : contents.networks) {
    owned += network.tensors.size();
    for (const FileTensor* tensor : network.tensors) {
      CHECK(tensor->name.starts_with(network.prefix), "a network's tensors have its prefix");
      const std::string_view name = std::string_view(tensor->name).substr(network.prefix.size());
      CHECK(network.table->canonical(name, 4).names.size() <= 3, "at most query, key and value");
    }
  }
  CHECK(owned <= tensors.size(), "a tensor has one owner");
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
