// Weights and inputs made by a hash, so that the golden numbers below need no files: the generator
// of flux.md section 11.1, and files of such weights in the layout of Black Forest Labs.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/folder_testing.h"
#include "engine/formats/safetensors_write.h"
#include "engine/formats/weight_source.h"
#include "engine/tensor/matrix.h"

namespace imagined::engine::golden {

/// u(name)[index], in [-1, 1).
inline float hash_value(std::uint32_t name_hash, std::uint32_t index) {
  std::uint32_t x = name_hash + index * 2654435761u;
  x ^= x >> 16;
  x *= 0x85ebca6bu;
  x ^= x >> 13;
  x *= 0xc2b2ae35u;
  x ^= x >> 16;
  return static_cast<float>(static_cast<double>(x) / 2147483648.0 - 1.0);
}

inline std::uint32_t fnv1a(std::string_view name) {
  std::uint32_t hash = 2166136261u;
  for (const char c : name) hash = (hash ^ static_cast<unsigned char>(c)) * 16777619u;
  return hash;
}

/// offset + factor * u(name), `count` values.
inline std::vector<float> hash_values(std::string_view name, std::int64_t count, double factor = 1,
                                      double offset = 0) {
  const std::uint32_t hash = fnv1a(name);
  std::vector<float> values(static_cast<std::size_t>(count));
  for (std::size_t i = 0; i < values.size(); ++i) {
    const double u = hash_value(hash, static_cast<std::uint32_t>(i));
    values[i] = static_cast<float>(offset + factor * u);
  }
  return values;
}

inline Tensor hash_tensor(std::string_view name, std::int64_t rows, std::int64_t cols) {
  Tensor tensor(rows, cols);
  const std::vector<float> values = hash_values(name, rows * cols);
  std::copy(values.begin(), values.end(), tensor.values<float>().begin());
  return tensor;
}

/// Collects tensors and writes them as a file that goes away with the object.
class HashFile {
 public:
  explicit HashFile(std::string hash_prefix) : prefix_(std::move(hash_prefix)) {}

  void add(const std::string& name, std::vector<std::int64_t> shape, double factor,
           double offset = 0) {
    std::int64_t count = 1;
    for (const std::int64_t size : shape) count *= size;
    tensors_.push_back(
        {name, std::move(shape), hash_values(prefix_ + name, count, factor, offset)});
  }
  /// Weight matrix or filter bank: u * sqrt(3 / inputs).
  void add_weight(const std::string& name, std::vector<std::int64_t> shape) {
    std::int64_t inputs = 1;
    for (std::size_t i = 1; i < shape.size(); ++i) inputs *= shape[i];
    add(name, std::move(shape), 1.7320508 / std::sqrt(static_cast<double>(inputs)));
  }
  void add_scale(const std::string& name, std::int64_t size) { add(name, {size}, 0.1, 1.0); }
  void add_bias(const std::string& name, std::int64_t size) { add(name, {size}, 0.1); }

  std::shared_ptr<WeightSource> open(const NameTable& network) const {
    std::vector<TensorToWrite> out;
    for (const Entry& entry : tensors_) {
      out.push_back({.name = entry.name,
                     .dtype = DType::f32,
                     .shape = entry.shape,
                     .bytes = std::as_bytes(std::span(entry.values))});
    }
    const auto written = write_safetensors(path_, out);
    CHECK(written.has_value(), "{}", written.error().message);
    auto source = WeightSource::open(path_, network);
    CHECK(source.has_value(), "{}", source.error().message);
    return std::make_shared<WeightSource>(std::move(*source));
  }

 private:
  struct Entry {
    std::string name;
    std::vector<std::int64_t> shape;
    std::vector<float> values;
  };
  std::string prefix_;
  const TestFolder folder_;
  const std::filesystem::path path_ = folder_.path() / "hashed.safetensors";
  std::vector<Entry> tensors_;
};

}  // namespace imagined::engine::golden
