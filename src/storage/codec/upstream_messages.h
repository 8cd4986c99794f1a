// xAI's API for pictures and videos as a client speaks it: what is asked of another server, and
// what it answers.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "service/ports/upstream_maker.h"

namespace imagined::storage {

/// "/images/generations", "/videos/edits", ...: behind the base URL.
std::string_view path_for(const service::JobPayload& wanted);

/// The body for it. What is given goes along as data URLs: nobody else can reach it.
/// `payload_too_large` where that is more than a server can be expected to take.
Result<std::string> encode_upstream_order(std::string_view model,
                                          const service::UpstreamOrder& order);

/// A picture of an answer, in one of two ways.
struct AnsweredPicture {
  std::vector<std::uint8_t> file;
  std::string url;
};
struct AnsweredPictures {
  std::vector<AnsweredPicture> pictures;  // without those that are kept back
  bool kept_back = false;                 // one at least, by moderation
  std::int64_t cost_usd_ticks = -1;       // -1: it says nothing
};
/// `data_loss` for all else, as below.
Result<AnsweredPictures> decode_answered_pictures(std::string_view text);

Result<std::string> decode_request_id(std::string_view text);

struct AnsweredVideo {
  enum class State : std::uint8_t { pending, done, failed };
  State state = State::pending;
  int percent = 0;
  std::string url;  // done; empty: kept back by moderation
  std::int64_t duration_ms = 0;
  std::int64_t cost_usd_ticks = -1;
  std::optional<Error> error;  // failed
};
/// An empty text is a pending one.
Result<AnsweredVideo> decode_answered_video(std::string_view text);

/// What an answer with a status other than 200 says, whichever form its body has.
Error decode_upstream_error(int status, std::string_view text);

}  // namespace imagined::storage
