// The names of Black Forest Labs' layouts.
#include <gtest/gtest.h>

#include "engine/families/bfl_names_testing.h"
#include "engine/models/flux1/flux1_names.h"
#include "engine/models/flux2/flux2_names.h"

namespace imagined::engine {
namespace {

void expect_known(const NameTable& table, const std::vector<BflLayer>& layers, const char* end) {
  for (const BflLayer& layer : layers) {
    for (const int block : {0, 18, 37}) {
      std::vector<std::string> expected;
      for (const std::string& name : layer.diffusers)
        expected.push_back(at_block(name, block) + end);
      EXPECT_EQ(table.canonical(at_block(layer.bfl, block) + end, 0).names, expected);
    }
  }
}

TEST(BflNames, OfFlux1AreKnownForWeightAndBias) {
  for (const char* end : {".weight", ".bias"}) expect_known(flux1_names(), flux1_bfl_layers(), end);
}

TEST(BflNames, OfFlux2AreKnown) { expect_known(flux2_names(), flux2_bfl_layers(), ".weight"); }

}  // namespace
}  // namespace imagined::engine
