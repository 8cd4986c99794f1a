// What a request is said to need against what it takes: every tensor and all scratch memory of this
// program comes from the aligned forms of operator new[], which count here.
#include <gtest/gtest.h>
#include <malloc.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <new>
#include <string>

#include "base/check.h"
#include "engine/engine.h"
#include "golden/load_wan_vae.h"

namespace {

std::atomic<std::int64_t> held_bytes{0};
std::atomic<std::int64_t> most_bytes{0};

void count(std::int64_t bytes) {
  const std::int64_t now = held_bytes += bytes;
  std::int64_t most = most_bytes;
  while (now > most && !most_bytes.compare_exchange_weak(most, now)) {
  }
}

}  // namespace

void* operator new[](std::size_t size, std::align_val_t alignment) {
  const auto step = static_cast<std::size_t>(alignment);
  void* const memory = std::aligned_alloc(step, (size + step - 1) / step * step);
  if (memory == nullptr) std::abort();
  count(static_cast<std::int64_t>(malloc_usable_size(memory)));
  return memory;
}

void operator delete[](void* memory, std::align_val_t) noexcept {
  if (memory != nullptr) count(-static_cast<std::int64_t>(malloc_usable_size(memory)));
  std::free(memory);
}

namespace imagined::engine {
namespace {

struct Need {
  std::int64_t said = 0;
  std::int64_t taken = 0;
};

Need need_of(const std::string& model, Precision precision, int side) {
  const auto engine =
      Engine::load({.path = std::filesystem::path(IMAGINED_SOURCE_DIR) / "tests/golden" / model,
                    .precision = precision,
                    .threads = 1});
  CHECK(engine.has_value(), "{}", engine.error().message);
  const GenerateRequest request{.prompt = "a red house", .width = side, .height = side, .steps = 1};
  most_bytes = held_bytes.load();
  const std::int64_t before = held_bytes;
  CHECK((*engine)->generate(request, {}, {}).has_value(), "no picture");
  return {.said = (*engine)->cost(request)->working_bytes, .taken = most_bytes - before};
}

class SaidMemory : public testing::TestWithParam<std::string> {};

/// As they grow with the picture, so that what is small and constant does not matter.
TEST_P(SaidMemory, IsWhatAPictureTakes) {
  for (const Precision precision : {Precision::f32, Precision::bf16}) {
    const Need small = need_of(GetParam(), precision, 64);
    const Need large = need_of(GetParam(), precision, 768);
    const auto said = static_cast<double>(large.said - small.said);
    const auto taken = static_cast<double>(large.taken - small.taken);
    EXPECT_GT(taken, 10e6);
    EXPECT_LE(taken, said) << to_string(precision);
    EXPECT_GE(taken, said / 2) << to_string(precision);  // small pieces are kept, or are not
  }
}

INSTANTIATE_TEST_SUITE_P(Families, SaidMemory, testing::Values("a1", "a4", "b2", "d2"),
                         [](const auto& param) { return param.param; });

/// What decoding a clip of side x side tokens takes at once.
std::int64_t taken_by_clip(const WanVae& vae, const Context& context, std::int64_t side,
                           int latent_frames) {
  ActivationPool pool;
  const Tensor tokens = Tensor::zeros(side * side, 24);
  most_bytes = held_bytes.load();
  const std::int64_t before = held_bytes;
  const auto decoder = vae.begin_clip(context, side, side, pool);
  for (int frame = 0; frame < latent_frames; ++frame)
    CHECK(decoder->next(tokens, {}).has_value(), "no frame");
  return most_bytes - before;
}

/// The third latent frame is the first that sees two before it. Of the pieces that malloc hands out
/// some are a little larger than others.
TEST(ClipMemory, DoesNotGrowWithTheClip) {
  const Context context({.threads = 1});
  const auto vae = golden::load_wan_vae(context, NumberFormat::exact());
  const auto taken = static_cast<double>(taken_by_clip(*vae, context, 4, 3));
  EXPECT_NEAR(static_cast<double>(taken_by_clip(*vae, context, 4, 9)), taken, 0.05 * taken);
}

/// As it grows with the frames' size, so that what is small and constant does not matter.
TEST(ClipMemory, IsWhatIsSaid) {
  const Context context({.threads = 1});
  for (const NumberFormat format : {NumberFormat::exact(), NumberFormat::fast(context.cpu())}) {
    const auto vae = golden::load_wan_vae(context, format);
    taken_by_clip(*vae, context, 8, 1);  // threads keep what they gather rows in
    const std::int64_t taken =
        taken_by_clip(*vae, context, 8, 3) - taken_by_clip(*vae, context, 3, 3);
    const std::int64_t said = vae->clip_bytes(8, 8) - vae->clip_bytes(3, 3);
    EXPECT_LE(taken, said);
    EXPECT_GE(taken, said / 2);
  }
}

}  // namespace
}  // namespace imagined::engine
