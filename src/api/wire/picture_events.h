// The events of a request with `stream`: OpenAI's, as server-sent events.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "api/wire/replies.h"
#include "base/result.h"
#include "service/pictures/picture.h"

namespace imagined::api::wire {

/// Which of OpenAI's two families of events.
enum class EventsOf : std::uint8_t { generation, edit };

/// A picture, or what it looks like so far.
struct EventPicture {
  EventsOf events_of = EventsOf::generation;
  int index = 0;  // of the request's pictures
  int width = 0;
  int height = 0;
  image::Format format = image::Format::jpeg;
  std::int64_t created_unix_s = 0;
  std::span<const std::uint8_t> file;
};

/// Most bytes of an event without its base64.
inline constexpr std::size_t kEventBytes = 4096;

/// `{"type": "image_generation.partial_image", "b64_json", "partial_image_index", ...}`; `number`
/// counts the previews of the same picture.
std::string partial_event(const EventPicture& picture, int number);
/// `{"type": "image_generation.completed", "b64_json", "usage", ...}`; `url` may be empty.
std::string completed_event(const EventPicture& picture, std::string_view url, const Usage& usage);
/// `{"type": "error", "error": {...}}`: what clients throw.
std::string error_event(const Error& error);
/// A comment, which clients skip: that the connection is alive.
inline constexpr std::string_view kAliveEvent = ": at work\n\n";

}  // namespace imagined::api::wire
