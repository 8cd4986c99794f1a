// GFLOP/s of the three large operations on the shapes of klein-4B, and their share of the peak that
// the machine's own registers reach.
//
//   kernels [threads] [matmul|types|attention|conv2d] [f32|bf16|int8] [implementation]
//
// Best of five; a line names what ran. The figures go into docs/performance.md. With one thread the
// clock is the process's own CPU time, so that other work on the machine counts less.
#include <fmt/core.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <string>
#include <string_view>
#include <vector>

#include "engine/backend/cpu/peak.h"
#include "engine/ops/attention/attention.h"
#include "engine/ops/conv2d/conv2d.h"
#include "engine/ops/matmul/matmul.h"
#include "engine/tensor/element.h"
#include "engine/tensor/stored_type.h"

namespace imagined::engine {
namespace {

double wall_seconds() {
  using namespace std::chrono;
  return duration<double>(steady_clock::now().time_since_epoch()).count();
}

double cpu_seconds() {
  timespec time{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) * 1e-9;
}

/// As the command line has it.
std::string_view word_of(WeightFormat format) {
  switch (format) {
    case WeightFormat::f32:
      return "f32";
    case WeightFormat::bf16:
      return "bf16";
    case WeightFormat::int8:
      return "int8";
  }
  return "";
}

using Clock = double (*)();

template <class Run>
double best_seconds(Clock seconds, const Run& run) {
  run();  // warms caches, scratch memory and page tables
  double best = 1e30;
  for (int repeat = 0; repeat < 5; ++repeat) {
    const double start = seconds();
    run();
    best = std::min(best, seconds() - start);
  }
  return best;
}

Tensor filled(std::int64_t rows, std::int64_t cols, DType dtype) {
  Tensor matrix(rows, cols, dtype);
  std::uint32_t state = 12345;
  for (std::int64_t r = 0; r < rows; ++r) {
    for (std::int64_t c = 0; c < cols; ++c) {
      state = state * 1664525u + 1013904223u;
      write_element(matrix, r, c, static_cast<float>(static_cast<std::int32_t>(state)) * 0x1p-35f);
    }
  }
  return matrix;
}

struct Bench {
  Context context;
  DType dtype = DType::bf16;
  WeightFormat format = WeightFormat::bf16;
  double peak = 0;  // GFLOP/s
  Clock clock = wall_seconds;

  void report(const std::string& what, double flop, double time) const {
    const double rate = flop / time * 1e-9;
    fmt::print("{:<52} {:>9.3f} ms {:>8.1f} GFLOP/s {:>6.3f} of peak\n", what, time * 1e3, rate,
               rate / peak);
    std::fflush(stdout);
  }

  void matmul_shape(std::int64_t m, std::int64_t k, std::int64_t n) const {
    const Tensor x = filled(m, k, dtype);
    const Tensor w = filled(n, k, dtype);
    const StoredRows parts[] = {StoredRows(w)};
    const MatmulWeight weight = map_weight(context, parts, format, nullptr);
    Tensor out(m, n);
    const double time = best_seconds(clock, [&] { matmul(context, x, weight, out); });
    report(fmt::format("matmul {} [{} x {}] -> {}", word_of(format), m, k, n),
           2.0 * static_cast<double>(m * k) * static_cast<double>(n), time);
  }

  void matmul_shapes() const {
    for (const std::int64_t m : {1, 512, 768, 1536}) {
      matmul_shape(m, 3072, 3072);
      matmul_shape(m, 3072, 9216);
      matmul_shape(m, 3072, 18432);
      matmul_shape(m, 3072, 27648);
      matmul_shape(m, 9216, 3072);
      matmul_shape(m, 12288, 3072);
    }
    matmul_shape(4608, 3072, 9216);
    matmul_shape(4608, 12288, 3072);
    matmul_shape(4096, 192, 576);
    matmul_shape(1024, 256, 256);
  }

  /// The same product from files of several types: in turn, so that other work on the machine meets
  /// all of them alike.
  void file_types() const {
    constexpr std::int64_t kRows = 768;
    constexpr std::int64_t kWidth = 3072;
    constexpr std::int64_t kOut = 18432;
    constexpr int kRounds = 9;
    struct File {
      std::string_view name;
      std::vector<std::byte> bytes;
      MatmulWeight weight;
      std::vector<double> seconds;
    };
    std::vector<File> files;
    for (const std::string_view name : {"BF16", "F8_E4M3", "Q8_0", "Q4_0", "Q4_K", "Q6_K"}) {
      const StoredType& type = *find_stored_type(name);
      File& file = files.emplace_back(File{.name = name, .bytes = {}, .weight = {}, .seconds = {}});
      file.bytes.resize(static_cast<std::size_t>(kOut * kWidth / type.elements * type.size_bytes));
      const StoredRows parts[] = {StoredRows(file.bytes, type, kOut, kWidth)};
      file.weight = map_weight(context, parts, format, nullptr);
    }
    const Tensor x = filled(kRows, kWidth, dtype);
    Tensor out(kRows, kOut);
    for (int round = 0; round < kRounds; ++round) {
      for (File& file : files) {
        const double start = clock();
        matmul(context, x, file.weight, out);
        file.seconds.push_back(clock() - start);
      }
    }
    const auto median = [](std::vector<double>& seconds) {
      std::ranges::sort(seconds);
      return seconds[seconds.size() / 2];
    };
    const double own = median(files.front().seconds);
    for (File& file : files) {
      const double middle = median(file.seconds);
      fmt::print(
          "matmul {} from {:<8} {:>9.3f} ms in the median {:>6.3f}x, {:>9.3f} at best {:>6.3f}x\n",
          word_of(format), file.name, middle * 1e3, middle / own, file.seconds.front() * 1e3,
          file.seconds.front() / files.front().seconds.front());
    }
  }

  void attention_shape(std::int64_t tokens, std::int64_t heads, std::int64_t head_dim) const {
    const std::int64_t width = heads * head_dim;
    const Tensor qkv = filled(tokens, 3 * width, dtype);
    const ConstMatrixView all = qkv;
    Tensor out(tokens, width, dtype);
    const AttentionOptions options{.head_dim = head_dim, .scale = 0.088f};
    const double time = best_seconds(clock, [&] {
      attention(context, all.col_range(0, width), all.col_range(width, width),
                all.col_range(2 * width, width), options, out);
    });
    report(fmt::format("attention {} {} tokens, {} x {}", name(dtype), tokens, heads, head_dim),
           4.0 * static_cast<double>(tokens * tokens) * static_cast<double>(width), time);
  }

  void attention_shapes() const {
    for (const std::int64_t tokens : {768, 1536, 4608}) attention_shape(tokens, 24, 128);
    attention_shape(4096, 1, 512);
  }

  void conv_shape(std::int64_t size, std::int64_t in_channels, std::int64_t out_channels,
                  std::int64_t kernel, ConvShape shape) const {
    const Tensor in = filled(size * size, in_channels, dtype);
    const Tensor weight = filled(out_channels, in_channels * kernel * kernel, dtype);
    const PackedConv conv = pack_conv(context, StoredRows(weight), in_channels, kernel, {}, format);
    const std::int64_t side = shape == ConvShape::same         ? size
                              : shape == ConvShape::downsample ? (size - 2) / 2 + 1
                                                               : 2 * size;
    Tensor out(side * side, out_channels);
    const double time = best_seconds(clock, [&] {
      conv2d(context, {in, size, size}, conv, shape, {out.view(), side, side});
    });
    const char* const names[] = {"same", "downsample", "upsample"};
    report(fmt::format("conv2d {} {}^2 {} -> {} k{} {}", name(dtype), size, in_channels,
                       out_channels, kernel, names[static_cast<int>(shape)]),
           2.0 * static_cast<double>(side * side * out_channels) *
               static_cast<double>(in_channels * kernel * kernel),
           time);
  }

  void conv_shapes() const {
    conv_shape(64, 512, 512, 3, ConvShape::same);
    conv_shape(128, 512, 512, 3, ConvShape::same);
    conv_shape(256, 512, 256, 3, ConvShape::same);
    conv_shape(256, 256, 256, 3, ConvShape::same);
    conv_shape(512, 256, 128, 3, ConvShape::same);
    conv_shape(512, 128, 128, 3, ConvShape::same);
    conv_shape(512, 128, 3, 3, ConvShape::same);
    conv_shape(256, 512, 256, 1, ConvShape::same);
    conv_shape(128, 256, 256, 3, ConvShape::upsample);
    conv_shape(256, 128, 128, 3, ConvShape::downsample);
    conv_shape(128, 192, 128, 3, ConvShape::same);
    conv_shape(256, 96, 96, 3, ConvShape::same);
    conv_shape(256, 64, 64, 3, ConvShape::same);
    conv_shape(512, 32, 32, 3, ConvShape::same);
    conv_shape(512, 16, 16, 3, ConvShape::same);
    conv_shape(512, 32, 3, 3, ConvShape::same);
  }
};

int run(int argc, char** argv) {
  const int threads = argc > 1 ? std::atoi(argv[1]) : 0;
  const std::string operation = argc > 2 ? argv[2] : "all";
  const std::string dtype = argc > 3 ? argv[3] : "all";
  const std::string implementation = argc > 4 ? argv[4] : "";
  ContextOptions options{.threads = threads};
  if (!implementation.empty()) {
    options.implementations =
        fmt::format("matmul={0},matmul_int8={0},attention={0},conv2d={0}", implementation);
  }
  const Context probe(options);
  const Clock clock = probe.pool().threads() == 1 ? cpu_seconds : wall_seconds;
  const PeakRates peaks = measure_peaks(probe, clock);
  fmt::print("{} | {} threads | peak GFLOP/s: f32 {:.0f} (avx2 {:.0f}), bf16 {:.0f}, int8 {:.0f}\n",
             probe.cpu().brand, probe.pool().threads(), peaks.f32, peaks.f32_avx2, peaks.bf16,
             peaks.int8);
  for (const WeightFormat format : {WeightFormat::bf16, WeightFormat::f32, WeightFormat::int8}) {
    if (dtype != "all" && dtype != word_of(format)) continue;
    const DType type = format == WeightFormat::f32 ? DType::f32 : DType::bf16;
    const bool int8 = format == WeightFormat::int8;
    const double f32_peak = implementation == "avx2" ? peaks.f32_avx2 : peaks.f32;
    const bool bf16_products = type == DType::bf16 && peaks.bf16 > 0 &&
                               (implementation.empty() || implementation.ends_with("_bf16"));
    const Bench bench{.context = Context(options),
                      .dtype = type,
                      .format = format,
                      .peak = int8            ? peaks.int8
                              : bf16_products ? peaks.bf16
                                              : f32_peak,
                      .clock = clock};
    if (operation == "all" || operation == "matmul") bench.matmul_shapes();
    if (operation == "types") bench.file_types();
    if (int8) continue;  // other operations know no whole numbers
    if (operation == "all" || operation == "attention") bench.attention_shapes();
    if (operation == "all" || operation == "conv2d") bench.conv_shapes();
  }
  return 0;
}

}  // namespace
}  // namespace imagined::engine

int main(int argc, char** argv) { return imagined::engine::run(argc, argv); }
