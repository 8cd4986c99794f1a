#include "api/listen/address_counts.h"

#include <gtest/gtest.h>

namespace imagined::api {
namespace {

using boost::asio::ip::make_address;

TEST(AddressCounts, GivesEachAddressItsPlaces) {
  AddressCounts counts(2);
  const auto first = counts.enter(make_address("192.0.2.1"));
  auto second = counts.enter(make_address("192.0.2.1"));
  EXPECT_TRUE(first);
  EXPECT_TRUE(second);
  EXPECT_FALSE(counts.enter(make_address("192.0.2.1")));
  EXPECT_TRUE(counts.enter(make_address("192.0.2.2")));
  second.reset();
  EXPECT_TRUE(counts.enter(make_address("192.0.2.1")));
}

TEST(AddressCounts, KeepsAPlaceThatMovesAndFreesTheOneItReplaces) {
  AddressCounts counts(1);
  AddressCounts::Place place = *counts.enter(make_address("192.0.2.1"));
  place = *counts.enter(make_address("192.0.2.2"));
  EXPECT_TRUE(counts.enter(make_address("192.0.2.1")));
  EXPECT_FALSE(counts.enter(make_address("192.0.2.2")));
}

}  // namespace
}  // namespace imagined::api
