#include "api/wire/picture_events.h"

#include <fmt/format.h>

#include "api/wire/errors.h"
#include "base/crypto.h"
#include "base/json_text.h"

namespace imagined::api::wire {
namespace {

/// `others`: what only this type of event says.
std::string picture_event(const EventPicture& picture, std::string_view word, JsonText others) {
  const std::string type = fmt::format(
      "{}.{}", picture.events_of == EventsOf::edit ? "image_edit" : "image_generation", word);
  others.add("type", type)
      .add("image_index", picture.index)
      .add("created_at", picture.created_unix_s)
      .add("size", fmt::format("{}x{}", picture.width, picture.height))
      .add("quality", "auto")
      .add("background", "opaque")
      .add("output_format", to_string(picture.format));
  std::string data = others.text();
  data.pop_back();
  data.reserve(data.size() + kEventBytes + base64_size(picture.file.size()));
  data += ",\"b64_json\":\"";
  append_base64(picture.file, data);  // needs no escapes
  data += "\"}";
  return named_event(type, data);
}

class ImageEvents final : public PictureAnswer {
 public:
  std::string preview(const EventPicture& picture, int number) override {
    return picture_event(picture, "partial_image",
                         JsonText::object({{"partial_image_index", number}}));
  }

  std::string picture(const EventPicture& picture, std::string_view url,
                      const Usage& usage) override {
    JsonText others = JsonText::object({{"usage", usage_value(usage)}});
    if (!url.empty()) others.add("url", url);
    if (!usage.warnings.empty()) others.add("warnings", JsonText::array_of(usage.warnings));
    return picture_event(picture, "completed", others);
  }

  std::string failed(const Error& error) override { return error_event(error); }
};

}  // namespace

std::unique_ptr<PictureAnswer> make_image_events() { return std::make_unique<ImageEvents>(); }

std::string error_event(const Error& error) {
  return named_event("error",
                     JsonText::object({{"type", "error"}, {"error", error_value(error)}}).text());
}

std::string unnamed_error_event(const Error& error) {
  return fmt::format("data: {}\n\n", JsonText::object({{"error", error_value(error)}}).text());
}

std::string named_event(std::string_view type, std::string_view data) {
  return fmt::format("event: {}\ndata: {}\n\n", type, data);
}

}  // namespace imagined::api::wire
