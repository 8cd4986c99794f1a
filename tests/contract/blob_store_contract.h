// What every BlobStore promises.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "base/clock.h"
#include "service/ports/blob_store.h"

namespace imagined::service {

struct BlobStoreUnderTest {
  std::shared_ptr<void> keeper;
  std::unique_ptr<BlobStore> store;
};

using MakeBlobStore = std::function<BlobStoreUnderTest(const Clock&)>;

class BlobStoreContract : public testing::TestWithParam<MakeBlobStore> {
 protected:
  BlobStoreContract() : under_test_(GetParam()(clock_)), store_(*under_test_.store) {}

  std::string put(std::uint8_t byte) { return *store_.put(std::vector<std::uint8_t>{byte}); }

  ManualClock clock_;
  BlobStoreUnderTest under_test_;
  BlobStore& store_;
};

TEST_P(BlobStoreContract, NamesBytesByTheirSha256) {
  const std::vector<std::uint8_t> bytes = {'a', 'b', 'c'};
  const auto hash = store_.put(bytes);
  EXPECT_EQ(hash, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(store_.get(*hash), bytes);
}

TEST_P(BlobStoreContract, KeepsBytesOfEveryLength) {
  for (const std::size_t size :
       {std::size_t{0}, std::size_t{1}, std::size_t{4096}, std::size_t{3'000'001}}) {
    std::vector<std::uint8_t> bytes(size);
    for (std::size_t i = 0; i < size; ++i) bytes[i] = static_cast<std::uint8_t>(i * 31 + i / 256);
    const auto hash = store_.put(bytes);
    ASSERT_TRUE(hash);
    EXPECT_EQ(store_.get(*hash), bytes) << size;
  }
}

TEST_P(BlobStoreContract, TakesTheSameBytesTwice) {
  const std::vector<std::uint8_t> bytes = {1, 2, 3};
  EXPECT_EQ(*store_.put(bytes), *store_.put(bytes));
}

TEST_P(BlobStoreContract, TakesABlobInPieces) {
  const std::vector<std::uint8_t> a = {'a'};
  const std::vector<std::uint8_t> bc = {'b', 'c'};
  for (int time = 0; time < 2; ++time) {  // the same bytes twice are one blob
    const auto writer = *store_.begin_put();
    ASSERT_TRUE(writer->append(a) && writer->append(bc));
    EXPECT_EQ(writer->finish(), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  }
  EXPECT_EQ(store_.get("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
            (std::vector<std::uint8_t>{'a', 'b', 'c'}));
}

TEST_P(BlobStoreContract, LeavesNothingOfABlobThatDoesNotComeWhole) {
  const std::vector<std::uint8_t> bytes = {'a'};
  ASSERT_TRUE((*store_.begin_put())->append(bytes));
  EXPECT_TRUE(store_.list({}, 10)->empty());
  EXPECT_EQ(store_.remove_leftovers(clock_.unix_ms() + 3'600'000'000), 0);
}

TEST_P(BlobStoreContract, DoesNotKnowNamesThatWereNeverGiven) {
  for (const std::string& name :
       {std::string(), std::string(64, '0'), std::string("../../etc/passwd"),
        std::string(62, '.') + "//", std::string(64, '/'), std::string(64, 'A')})
    EXPECT_EQ(store_.get(name).error().code, ErrorCode::not_found) << name;
}

TEST_P(BlobStoreContract, ListsBlobsPageByPageInOrderOfTheirNames) {
  EXPECT_TRUE(store_.list("", 10)->empty());
  std::vector<std::string> names;
  for (int i = 0; i < 25; ++i) names.push_back(put(static_cast<std::uint8_t>(i)));
  std::ranges::sort(names);
  std::vector<std::string> listed;
  std::string after;
  while (true) {
    const auto page = *store_.list(after, 4);
    EXPECT_LE(page.size(), 4u);
    if (page.empty()) break;
    for (const BlobEntry& entry : page) {
      listed.push_back(entry.hash);
      EXPECT_EQ(entry.size_bytes, 1);
      EXPECT_EQ(entry.put_ms, clock_.unix_ms());
    }
    after = page.back().hash;
  }
  EXPECT_EQ(listed, names);
}

TEST_P(BlobStoreContract, RemovesABlobThatIsOldEnough) {
  const std::string hash = put(1);
  const std::int64_t put_ms = clock_.unix_ms();
  EXPECT_EQ(store_.remove(hash, put_ms), false) << "put at that very moment";
  EXPECT_TRUE(store_.get(hash));
  EXPECT_EQ(store_.remove(hash, put_ms + 1), true);
  EXPECT_EQ(store_.get(hash).error().code, ErrorCode::not_found);
  EXPECT_EQ(store_.remove(hash, put_ms + 1), false);
  EXPECT_EQ(store_.remove("../../etc/passwd", put_ms + 1), false);
}

TEST_P(BlobStoreContract, KeepsABlobThatWasPutAnew) {
  const std::string hash = put(1);
  clock_.advance_ms(1000);
  const std::int64_t before_ms = clock_.unix_ms();
  EXPECT_EQ(put(1), hash);
  EXPECT_EQ(store_.remove(hash, before_ms), false);
  EXPECT_TRUE(store_.get(hash));
}

TEST_P(BlobStoreContract, NeverTakesAwayWhatIsBeingPutAnew) {
  for (int i = 0; i < 100; ++i) {
    const std::vector<std::uint8_t> bytes(1000, static_cast<std::uint8_t>(i));
    const std::string hash = *store_.put(bytes);  // old
    clock_.advance_ms(1);
    const std::int64_t before_ms = clock_.unix_ms();
    {
      std::jthread remover([&] { EXPECT_TRUE(store_.remove(hash, before_ms)); });
      EXPECT_TRUE(store_.put(bytes));
    }
    EXPECT_TRUE(store_.get(hash)) << i << ": its put had returned";
  }
}

TEST_P(BlobStoreContract, TakesTheSameBytesFromManyThreads) {
  const std::vector<std::uint8_t> bytes(100'000, 7);
  std::vector<std::string> hashes(4);
  {
    std::vector<std::jthread> writers;
    for (std::string& hash : hashes)
      writers.emplace_back([&] { hash = store_.put(bytes).value_or("failed"); });
  }
  EXPECT_TRUE(std::ranges::all_of(hashes, [&](const auto& hash) { return hash == hashes[0]; }));
  EXPECT_EQ(store_.get(hashes[0]), bytes);
}

}  // namespace imagined::service
