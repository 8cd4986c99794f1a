#include <algorithm>
#include <limits>

#include "engine/backend/cpu/peak.h"
#include "engine/lab/lab.h"
#include "engine/models/common/product_rate.h"
#include "engine/pipeline/memory.h"
#include "engine/pipeline/pipeline.h"

namespace imagined::engine {
namespace {

void keep_fastest(const StageLog& log, std::vector<StageReport>& stages) {
  for (std::size_t i = 0; i < kStageNames.size(); ++i) {
    const StageLog::Entry& entry = log.entry(static_cast<Stage>(i));
    if (entry.count == 0) continue;
    const double seconds = entry.seconds / entry.count;
    const auto known = std::find_if(stages.begin(), stages.end(), [&](const StageReport& stage) {
      return stage.stage == kStageNames[i];
    });
    if (known != stages.end()) {
      known->seconds = std::min(known->seconds, seconds);
    } else {
      stages.push_back({.stage = std::string(kStageNames[i]),
                        .count = entry.count,
                        .seconds = seconds,
                        .gflop = entry.flop / entry.count * 1e-9});
    }
  }
}

Result<BenchReport> bench(const LoadOptions& options, const BenchRequest& request) {
  CHECK(request.seconds_now && request.repeats > 0, "a benchmark needs a clock and a picture");
  const double begin = request.seconds_now();
  const std::unique_ptr<Pipeline> pipeline = TRY(Pipeline::open(options));
  BenchReport report{.model = pipeline->summary(), .load_seconds = request.seconds_now() - begin};
  report.seconds = std::numeric_limits<double>::infinity();
  Batch batch{
      .seeds = {}, .watch = {}, .take = [](int, const image::Picture&) { return Result<>(); }};
  for (int i = 0; i < request.count; ++i)
    batch.seeds.push_back(request.generate.seed + static_cast<std::uint64_t>(i));
  for (int i = 0; i < request.repeats; ++i) {
    pipeline->forget();
    StageLog log(request.seconds_now);
    const double start = request.seconds_now();
    TRY(pipeline->generate_batch(request.generate, batch, {.log = &log}));
    report.seconds = std::min(report.seconds, request.seconds_now() - start);
    keep_fastest(log, report.stages);
  }
  return report;
}

}  // namespace

Result<BenchReport> bench_model(const LoadOptions& options, const BenchRequest& request) {
  return without_bad_alloc([&] { return bench(options, request); });
}

ProductRates measure_products(Precision precision, int threads, double (*seconds_now)()) {
  const Context context({.threads = threads});
  const NumberFormat format = number_format(precision, context.cpu());
  const auto rate = [&](WeightFormat weights) {
    return product_gflops(context, weights, format.activations, seconds_now);
  };
  const double others = rate(format.weights);
  return {.blocks = format.block_weights == format.weights ? others : rate(format.block_weights),
          .others = others};
}

MachinePeak measure_machine_peak(int threads, double (*seconds_now)()) {
  const Context context({.threads = threads});
  const PeakRates rates = measure_peaks(context, seconds_now);
  return {.processor = context.cpu().brand,
          .threads = context.pool().threads(),
          .f32_gflops = rates.f32,
          .bf16_gflops = rates.bf16,
          .int8_gops = rates.int8};
}

}  // namespace imagined::engine
