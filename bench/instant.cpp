// `imagined` with an engine that answers at once, so that what is measured is the service: this
// file stands for engine/load.cpp, everything else is the product.
#include <fmt/core.h>

#include <cstdint>
#include <memory>
#include <utility>

#include "cli/app.h"
#include "engine/engine.h"

namespace imagined::engine {
namespace {

constexpr int kSide = 16;

image::Picture picture_of(std::uint64_t seed) {
  image::Picture picture{.width = kSide, .height = kSide, .pixels = {}};
  picture.pixels.resize(std::size_t{kSide} * kSide * 3);
  for (std::size_t i = 0; i < picture.pixels.size(); ++i)
    picture.pixels[i] = static_cast<std::uint8_t>(seed >> (i / 64 * 8 % 64));
  return picture;
}

/// Small pictures of one colour each, different for different seeds, so that every one is a file of
/// its own.
class InstantEngine final : public Engine {
 public:
  const ModelSummary& summary() const override { return summary_; }

  RequestReading read(const GenerateRequest& request) const override {
    const auto tokens = static_cast<std::int64_t>(request.prompt.size());
    return {.prompt_tokens = tokens, .tokens_read = tokens, .warnings = {}};
  }

  Result<PictureCost> cost(const GenerateRequest&) const override { return PictureCost(); }
  Result<PictureCost> cost(const ClipRequest&) const override { return PictureCost(); }

  Result<> intact() const override { return {}; }

  Result<> generate_batch(const GenerateRequest&, const Batch& batch,
                          std::stop_token stop) override {
    for (std::size_t i = 0; i < batch.seeds.size(); ++i) {
      if (stop.stop_requested()) return fail(ErrorCode::cancelled, "stopped");
      TRY(batch.take(static_cast<int>(i), picture_of(batch.seeds[i])));
    }
    return {};
  }

  Result<> animate(const ClipRequest&, const ClipObserver&, std::stop_token) override {
    return fail(ErrorCode::invalid_argument, "makes no videos", "model");
  }

 private:
  ModelSummary summary_{.name = "instant", .family = "instant"};
};

}  // namespace

Result<std::unique_ptr<Engine>> Engine::load(const LoadOptions&) {
  return std::make_unique<InstantEngine>();
}

}  // namespace imagined::engine

int main(int argc, char** argv) { return imagined::cli::run(argc, argv); }
