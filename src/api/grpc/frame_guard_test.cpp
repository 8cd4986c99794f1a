#include "api/grpc/frame_guard.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace imagined::api {
namespace {

using namespace std::chrono_literals;

constexpr std::uint32_t kStream = 0x01010101;

std::string frame_of(std::uint8_t type, std::uint8_t flags, const std::string& payload,
                     std::uint32_t stream = kStream) {
  std::string bytes;
  for (const int shift : {16, 8, 0}) bytes += static_cast<char>(payload.size() >> shift);
  bytes += static_cast<char>(type);
  bytes += static_cast<char>(flags);
  for (const int shift : {24, 16, 8, 0}) bytes += static_cast<char>(stream >> shift);
  return bytes + payload;
}

// What follows the head would be a reset if it were read as one.
std::string frame(std::uint8_t type, std::uint8_t flags, std::size_t length) {
  return frame_of(type, flags, std::string(length, '\3'));
}

std::string many(int count, const std::string& bytes) {
  std::string all;
  for (int i = 0; i < count; ++i) all += bytes;
  return all;
}

class FrameGuardTest : public testing::Test {
 protected:
  FrameGuardTest() { begin_anew(); }
  std::string client(const std::string& bytes) {
    const char* reason = guard_->from_client(std::as_bytes(std::span(bytes)), now_);
    return reason == nullptr ? "" : reason;
  }
  std::string server(const std::string& bytes) {
    const char* reason = guard_->from_server(std::as_bytes(std::span(bytes)), now_);
    return reason == nullptr ? "" : reason;
  }

  void begin_anew() {
    guard_.emplace(CallTimes{.request = 30s, .request_bytes_per_s_min = 1'000},
                   [this](std::string_view reason) { refusals_.emplace_back(reason); });
  }

  std::vector<std::string> refusals_;
  std::optional<FrameGuard> guard_;
  FrameGuard::TimePoint now_{1h};
};

const std::string kCall = frame(1, 4, 200) + frame(0, 1, 5'000);
const std::string kReset = frame(3, 0, 4);
const std::string kPing = frame(6, 0, 8);

TEST_F(FrameGuardTest, LetsCallsPassWithoutEnd) { EXPECT_EQ(client(many(5'000, kCall)), ""); }

TEST_F(FrameGuardTest, LetsWholeHundredsOfCallsBeGivenUp) {
  EXPECT_EQ(client(many(1'000, kCall + kReset)), "");
  EXPECT_EQ(client(kCall + kReset), "resets");
}

TEST_F(FrameGuardTest, CountsResetsThatTheClientProvokes) {
  EXPECT_EQ(server(many(600, kReset)), "");
  EXPECT_EQ(client(many(400, kReset)), "");
  EXPECT_EQ(server(kReset), "resets");
}

TEST_F(FrameGuardTest, GivesMoreWithTime) {
  EXPECT_EQ(client(many(100, kPing)), "");
  now_ += 1s;
  EXPECT_EQ(client(many(10, kPing)), "");
  EXPECT_EQ(client(kPing), "pings");
}

TEST_F(FrameGuardTest, LetsAClientMeasureItsLineWithEachFrameThatItIsSent) {
  const std::string reply = frame(1, 4, 20) + frame(0, 0, 16'384) + frame(1, 5, 20);
  for (int i = 0; i < 1'000; ++i) {
    EXPECT_EQ(server(reply), "");
    EXPECT_EQ(client(many(3, kPing)), "");
  }
  EXPECT_EQ(client(many(101, kPing)), "pings");
}

TEST_F(FrameGuardTest, GivesNoMoreThanAtOnceHoweverLongItWaits) {
  now_ += 24h;
  EXPECT_EQ(client(many(100, kPing)), "");
  EXPECT_EQ(client(kPing), "pings");
}

TEST_F(FrameGuardTest, EndsEachKindOfFlood) {
  const std::vector<std::pair<std::string, std::string>> floods = {
      {"settings", frame(4, 0, 6)},        {"settings", frame(4, 1, 0)},
      {"pings", frame(6, 1, 8)},           {"window updates", frame(8, 0, 4)},
      {"empty data", frame(0, 0, 0)},      {"other frames", frame(2, 0, 5)},
      {"other frames", frame(200, 0, 10)},
  };
  for (const auto& [reason, bytes] : floods) {
    begin_anew();
    EXPECT_EQ(client(many(30'000, bytes)), reason);
  }
}

TEST_F(FrameGuardTest, EndsAHeaderBlockThatIsTooLongOrInTooManyPieces) {
  EXPECT_EQ(client(frame(1, 0, 130'000) + frame(9, 0, 130'000) + frame(9, 4, 2'000)), "");
  EXPECT_EQ(client(frame(1, 0, 130'000) + many(2, frame(9, 0, 130'000))), "header block");
}

TEST_F(FrameGuardTest, EndsAHeaderBlockOfEmptyPieces) {
  EXPECT_EQ(client(frame(1, 0, 10) + many(31, frame(9, 0, 0))), "");
  EXPECT_EQ(client(frame(9, 0, 0)), "header block");
}

// Of the client: its head, whole or not, and what follows.
std::string begun(bool is_whole, std::uint32_t stream = kStream) {
  return frame_of(1, is_whole ? 5 : 4, "head", stream);
}

TEST_F(FrameGuardTest, KnowsACallThatDoesNotComeToItsEnd) {
  EXPECT_EQ(client(begun(false) + frame(0, 0, 2'000)), "");
  EXPECT_FALSE(guard_->has_late_call(now_ + 30s));
  EXPECT_TRUE(guard_->has_late_call(now_ + 32s));
}

TEST_F(FrameGuardTest, GivesAWholeCallAllTheTimeThatItsAnswerTakes) {
  EXPECT_EQ(client(begun(false) + frame(0, 1, 10) + begun(true, kStream + 2)), "");
  EXPECT_FALSE(guard_->has_late_call(now_ + 24h));
}

TEST_F(FrameGuardTest, LeavesAConversationAloneThatTheServerHasAnswered) {
  EXPECT_EQ(client(begun(false)), "");
  EXPECT_EQ(server(frame(1, 4, 20)), "");
  EXPECT_FALSE(guard_->has_late_call(now_ + 24h));
  EXPECT_TRUE(guard_->has_calls());
}

TEST_F(FrameGuardTest, KnowsWhichCallsHaveEnded) {
  for (const auto& [by_client, by_server] : std::vector<std::pair<std::string, std::string>>{
           {kReset, ""}, {"", kReset}, {"", frame(1, 4, 20) + frame(0, 0, 9) + frame(1, 5, 20)}}) {
    begin_anew();
    EXPECT_FALSE(guard_->has_calls());
    EXPECT_EQ(client(begun(true)), "");
    EXPECT_TRUE(guard_->has_calls());
    EXPECT_EQ(client(by_client), "");
    EXPECT_EQ(server(by_server), "");
    EXPECT_FALSE(guard_->has_calls());
  }
}

// As the library writes a name that is not in its table.
std::string in_the_clear(const std::string& name, const std::string& value) {
  const auto length = [](const std::string& text) {
    if (text.size() < 127) return std::string(1, static_cast<char>(text.size()));
    return std::string("\x7f") + static_cast<char>(text.size() - 127);
  };
  return '\0' + length(name) + name + length(value) + value;
}

TEST_F(FrameGuardTest, TellsWhatTheLibraryRefusesFromOurOwnEnds) {
  const std::string message = in_the_clear("grpc-message", "too large");
  EXPECT_EQ(server(frame_of(1, 5, message + in_the_clear("x-request-id", "1"))), "");
  EXPECT_THAT(refusals_, testing::IsEmpty());
  EXPECT_EQ(server(frame_of(1, 5, "\x88" + message)), "");
  const std::string long_one(200, 'y');
  EXPECT_EQ(server(frame_of(1, 5, in_the_clear("grpc-message", long_one))), "");
  EXPECT_EQ(server(frame_of(3, 0, std::string("\0\0\0\7", 4))), "");
  EXPECT_THAT(refusals_, testing::ElementsAre("too large", long_one, "too many calls at once"));
}

TEST_F(FrameGuardTest, EndsWithTheSameFrameHoweverTheBytesAreCut) {
  const std::string bytes = many(100, kCall + kPing) + kPing + kCall;
  for (const std::size_t piece : {1u, 2u, 7u, 9u, 10u, 1'000u}) {
    FrameGuard guard({}, {});
    std::size_t taken = 0;
    const char* reason = nullptr;
    while (reason == nullptr && taken < bytes.size()) {
      const std::string part = bytes.substr(taken, piece);
      reason = guard.from_client(std::as_bytes(std::span(part)), now_);
      taken += part.size();
    }
    const std::size_t head_of_last = 100 * (kCall + kPing).size() + 9;
    ASSERT_NE(reason, nullptr);
    EXPECT_EQ(taken, (head_of_last + piece - 1) / piece * piece) << piece;
  }
}

}  // namespace
}  // namespace imagined::api
