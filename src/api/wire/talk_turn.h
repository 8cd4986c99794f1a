// What a model of another server says in one round of a conversation, read while it comes.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "api/wire/conversation.h"
#include "base/result.h"
#include "service/upstreams/upstreams.h"

namespace imagined::api::wire {

struct ToolCall {
  std::string id;
  std::string name;
  std::string arguments;  // JSON, as the model has written it

  bool operator==(const ToolCall&) const = default;
};

/// What a model has said in one round.
struct TalkTurn {
  std::string text;
  std::string unsaid;  // of it: what `feed` has not given, of who knows no streams
  std::vector<ToolCall> calls;
  std::string items;          // of responses: its output as it came, a JSON list
  std::string finish_reason;  // "stop", "length", "content_filter", ...; may be empty
  std::optional<service::TokenUsage> usage;
};

/// Reads a round's stream while it comes.
class TurnReader {
 public:
  explicit TurnReader(ChatApi api);
  ~TurnReader();
  TurnReader(TurnReader&&) noexcept;
  TurnReader& operator=(TurnReader&&) noexcept;

  /// What the model has said for people since.
  std::string feed(std::string_view bytes);
  /// What comes after this changes nothing: `end` says why.
  bool has_failed() const;
  /// All of it. `unavailable` for a stream that says something else, or breaks off.
  Result<TalkTurn> end();

 private:
  class State;
  std::unique_ptr<State> state_;
};

}  // namespace imagined::api::wire
