// Bodies that go on to another server as they came: looked through for what we must know of them,
// and changed in no other byte.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "service/upstreams/upstreams.h"

namespace imagined::api::wire {

/// A part of a text.
struct Span {
  std::size_t begin = 0;
  std::size_t size = 0;

  std::string_view of(std::string_view text) const { return text.substr(begin, size); }
};

/// A text of a JSON body, with its quotes; where it stands is told by names.
struct JsonString {
  Span value;
  Span name;            // of its member, with quotes; empty: it is an element of a list
  std::string_view in;  // the name of the member whose value holds it, without quotes
};

/// What is known of a body before anybody is asked.
struct RelayedHead {
  std::optional<std::string> model;  // none: it names none
  Span model_value;                  // with its quotes
  bool stream = false;
  Span stream_options;           // its value; empty: there is none
  std::size_t first_member = 0;  // where another one may be put, with a comma behind it
  bool is_too_deep = false;      // it is nested more than anybody takes (`check_depth`)
};

/// `invalid_argument` for what is no JSON object, `unprocessable` when `model` is no string. No
/// more is checked: the other server reads it all.
Result<RelayedHead> read_relayed(std::string_view body);
/// `invalid_argument` for what is too deep; `what` begins the sentence.
Result<void> check_depth(const RelayedHead& head, std::string_view what);

/// Every string value of a body that `read_relayed` has taken and that is not too deep.
std::vector<JsonString> strings_of(std::string_view body);
/// The members of such a body, as they came: names without quotes, and values.
std::vector<std::pair<std::string_view, std::string_view>> members_of(std::string_view body);

/// What a JSON string stands for, without its quotes. Half surrogates become U+FFFD.
std::string unquoted(std::string_view quoted);

/// A whole completion as the stream that was asked for, of who knows no streams: all that it says
/// in one chunk, what was used in another where the `stream_options` ask for it, and the end. Fails
/// with `unavailable` for what is no completion: an error is told in its own words.
Result<std::string> as_events(std::string_view completion, std::string_view stream_options);

/// The `stream_options` of a request that asks for usage too; none: it does already, or the value
/// is not for us to judge.
std::optional<std::string> with_usage(std::string_view stream_options);

struct Replacement {
  Span place;
  std::string text;
};
/// In order of their places, which do not overlap.
std::string replaced(std::string_view body, const std::vector<Replacement>& replacements);

/// Passes on the events of a stream as they are, each when it is whole, so that something may be
/// put between two of them. One of more than 64 KiB is passed on in pieces.
class WholeEvents {
 public:
  /// `without_usage`: takes out of a stream of completions the chunk that tells what was used and
  /// nothing else.
  explicit WholeEvents(bool without_usage) : without_usage_(without_usage) {}

  /// What may be passed on.
  std::string feed(std::string bytes);
  /// What was held back, when no more comes.
  std::string rest();
  /// Whether what was passed on ends with an event.
  bool is_between_events() const { return !is_within_; }

 private:
  const bool without_usage_;
  std::string held_;             // from where an event begins, or what is left of it
  std::size_t line_begin_ = 0;   // in it: of the line that is not whole yet
  bool is_within_ = false;       // of this event something was passed on
  bool is_within_line_ = false;  // and of this line
};

/// Finds the last `usage` of an answer while it goes by, whole or as events.
class UsageReader {
 public:
  void feed(std::string_view bytes);
  std::optional<service::TokenUsage> usage() const;

 private:
  std::string tail_;
};

}  // namespace imagined::api::wire
