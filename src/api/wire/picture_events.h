// The events of a request with `stream`: OpenAI's, as server-sent events.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "api/wire/replies.h"
#include "base/result.h"
#include "service/pictures/file_format.h"
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
  service::FileFormat format = service::FileFormat::jpeg;
  std::int64_t created_unix_s = 0;
  std::span<const std::uint8_t> file;
};

/// Most bytes of an event without its base64.
inline constexpr std::size_t kEventBytes = 4096;

/// The answer to one request in the words of one API, told as it comes. Each function returns the
/// server-sent events of its moment, or nothing where the API has none.
class PictureAnswer {
 public:
  virtual ~PictureAnswer() = default;
  /// Before anything is made.
  virtual std::string begin() { return {}; }
  /// `number` counts the previews of the same picture.
  virtual std::string preview(const EventPicture& picture, int number) = 0;
  /// A finished one, in order of `index`; `url` may be empty. `usage`: of the whole request, with
  /// the last.
  virtual std::string picture(const EventPicture& picture, std::string_view url,
                              const Usage& usage) = 0;
  /// After the last picture.
  virtual std::string end(const Usage&) { return {}; }
  /// What clients throw; nothing comes after it.
  virtual std::string failed(const Error& error) = 0;
  /// Whether `picture` needs the file.
  virtual bool wants_files() const { return true; }
  /// How often the base64 of each picture is in memory until the end; 1: until its event is sent.
  virtual std::size_t copies_kept() const { return 1; }
};

/// OpenAI's `{"type": "image_generation.partial_image", "b64_json", "partial_image_index", ...}`
/// and
/// `{"type": "image_generation.completed", "b64_json", "usage", ...}`.
std::unique_ptr<PictureAnswer> make_image_events();

/// `{"type": "error", "error": {...}}`.
std::string error_event(const Error& error);
/// `{"error": {...}}`, as chat completions say it.
std::string unnamed_error_event(const Error& error);
/// One server-sent event with its name.
std::string named_event(std::string_view type, std::string_view data);
/// A comment, which clients skip: that the connection is alive.
inline constexpr std::string_view kAliveEvent = ": at work\n\n";

}  // namespace imagined::api::wire
