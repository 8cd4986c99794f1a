// The body of POST /v1/images/generations.
#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "service/catalogue/catalogue.h"
#include "service/files/file_service.h"
#include "service/pictures/picture_request.h"

namespace imagined::api::wire {

/// `both`: of an edit whose client may read either and named none.
enum class ResponseFormat : std::uint8_t { url, b64_json, both };

/// Whose words are read.
enum class Dialect : std::uint8_t {
  all,  // those of every client that we know
  xai,  // what xAI's own API reads, and refuses (xai-api.md 3.2)
};

struct GenerationCall {
  service::PictureRequest request;
  ResponseFormat response_format = ResponseFormat::url;
  bool stream = false;                       // the reply is a stream of events
  bool deferred = false;                     // the reply is the job's name alone
  std::optional<service::FileWish> storage;  // the pictures become files, too
  std::vector<std::string> upload_urls;      // and are sent there, each to its own
};

/// Reads every field of the xAI API, OpenAI's words for the same things (`size` gives way to
/// `aspect_ratio` and `resolution`) and our extensions `seed`, `steps` (`num_inference_steps`),
/// `guidance` (`guidance_scale`), `negative_prompt` and `output_format`; null means
/// default. Fields that only tune the picture and that are not known here are ignored, with a
/// warning. Errors name the field, the value and what is allowed:
///   `invalid_argument` (400)  no JSON object, no prompt, a number out of range, a promise that
///                             this server does not keep (a member of `storage_options` that is not
///                             known), a picture, which would be billed and not seen
///   `unprocessable` (422)     a value of another type, or a word that is not on its list
///   `not_found` (404)         an unknown or retired model
Result<GenerationCall> parse_generation_call(std::string_view body,
                                             const service::Catalogue& catalogue,
                                             Dialect dialect = Dialect::all);

/// The same fields of an edit, whose pictures have been taken out before (edit_request.h).
Result<GenerationCall> read_edit_fields(const nlohmann::json& body,
                                        const service::Catalogue& catalogue);

/// The customer's word for its own user: `user`, or OpenAI's newer name for it,
/// `safety_identifier`; "" where neither is given.
Result<std::string> read_user(const nlohmann::json& body);

/// xAI's `storage_options` (xai-api.md 1.5); none: they are not given.
Result<std::optional<service::FileWish>> read_storage_options(const nlohmann::json& body);

/// What a pixel size means here (xai-api.md appendix B): OpenAI's own sizes and those of our table
/// mean their ratio and resolution, any other the nearest ratio, and 2k above 1600 pixels.
/// `unprocessable` for no size.
struct Shape {
  service::AspectRatio aspect_ratio = service::AspectRatio::auto_;
  service::Resolution resolution = service::Resolution::k1;
};
Result<Shape> parse_size(std::string_view text);

/// Whether a field brings a picture or a video, as clients hand them over: a data URI, a URL under
/// a name that speaks of them, an object that says where it is, or a list of these.
bool brings_media(std::string_view name, const nlohmann::json& value);

}  // namespace imagined::api::wire
