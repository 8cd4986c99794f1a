#include "image/run_deflate.h"

#include <gtest/gtest.h>
#include <libdeflate.h>

#include <cstdint>
#include <random>
#include <vector>

namespace imagined::image {
namespace {

using Bytes = std::vector<std::uint8_t>;

Bytes deflated(const std::vector<Bytes>& blocks) {
  Bytes out = {0xAB};  // appends, so what was there stays
  RunDeflate deflate(out);
  for (std::size_t i = 0; i < blocks.size(); ++i)
    deflate.write_block(blocks[i],
                        i + 1 == blocks.size() ? RunDeflate::Last::yes : RunDeflate::Last::no);
  deflate.finish();
  EXPECT_EQ(out[0], 0xAB);
  out.erase(out.begin());
  return out;
}

/// By an inflater that is not ours; nothing when it finds a fault or bytes are left over.
Bytes inflated(const Bytes& stream, std::size_t size) {
  auto* inflater = libdeflate_alloc_decompressor();
  Bytes bytes(size + 1);
  std::size_t used = 0;
  std::size_t made = 0;
  const auto result = libdeflate_deflate_decompress_ex(inflater, stream.data(), stream.size(),
                                                       bytes.data(), bytes.size(), &used, &made);
  libdeflate_free_decompressor(inflater);
  EXPECT_EQ(result, LIBDEFLATE_SUCCESS);
  EXPECT_EQ(used, stream.size());
  bytes.resize(made);
  return bytes;
}

void expect_round_trip(const Bytes& bytes) {
  EXPECT_EQ(inflated(deflated({bytes}), bytes.size()), bytes) << bytes.size() << " bytes";
}

Bytes noise(std::size_t size, unsigned seed) {
  std::mt19937 random(seed);
  Bytes bytes(size);
  for (auto& byte : bytes) byte = static_cast<std::uint8_t>(random());
  return bytes;
}

TEST(RunDeflate, GivesBackZeroRunsOfEveryLength) {
  for (std::size_t run = 0; run <= 600; ++run) {
    Bytes bytes = {1, 2, 3, 4};
    bytes.insert(bytes.end(), run, 0);
    bytes.push_back(9);
    expect_round_trip(bytes);
  }
}

TEST(RunDeflate, GivesBackNothingAsNothing) { expect_round_trip({}); }

TEST(RunDeflate, GivesBackNoise) {
  for (const std::size_t size : {1u, 3u, 4u, 5u, 1023u, 4097u, 100'000u})
    expect_round_trip(noise(size, static_cast<unsigned>(size)));
}

TEST(RunDeflate, GivesBackSymbolsThatTheSampleDidNotSee) {
  Bytes bytes(64 * 1024, 7);  // sampled: the first of every four kilobytes
  const Bytes rare = noise(2048, 1);
  std::copy(rare.begin(), rare.end(), bytes.begin() + 1500);
  expect_round_trip(bytes);
}

TEST(RunDeflate, JoinsBlocksOfDifferentKinds) {
  const std::vector<Bytes> blocks = {noise(5000, 2), Bytes(5000, 0), Bytes(3, 1), noise(100, 3)};
  Bytes all;
  for (const Bytes& block : blocks) all.insert(all.end(), block.begin(), block.end());
  EXPECT_EQ(inflated(deflated(blocks), all.size()), all);
}

TEST(RunDeflate, ShrinksFlatAreasAHundredfold) {
  EXPECT_LT(deflated({Bytes(1'000'000, 0)}).size(), 10'000u);
}

TEST(RunDeflate, GrowsNoiseByLittle) { EXPECT_LT(deflated({noise(100'000, 4)}).size(), 105'000u); }

}  // namespace
}  // namespace imagined::image
