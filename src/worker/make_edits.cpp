#include "worker/make_edits.h"

#include <fmt/format.h>

#include <cstdint>
#include <utility>
#include <variant>

#include "service/pictures/edit_request.h"
#include "service/pictures/given_size.h"
#include "worker/make_pictures.h"

namespace imagined::worker {
namespace {

Result<image::Picture> read_picture(const Making& making, std::string_view blob,
                                    std::string_view name,
                                    image::Colours colours = image::Colours::as_srgb) {
  const auto file = TRY(making.blobs.get(blob));
  auto picture = making.decoder.decode(file, service::kGivenPictureLimits, colours);
  if (!picture) return tl::unexpected(service::about_picture(std::move(picture.error()), name));
  return picture;
}

std::int64_t area_of(const service::PictureSize& size) {
  return std::int64_t{size.width} * size.height;
}

// What a mask leaves as it is keeps the first picture's shape, whatever else was asked for, and is
// never enlarged.
void settle_size(const service::PictureRequest& wanted, Given& given) {
  const image::Picture& first = given.references.front();
  const bool as_first = wanted.aspect_ratio == service::AspectRatio::auto_;
  const service::PictureSize asked = service::picture_size(
      as_first ? service::nearest_aspect_ratio(first.width, first.height) : wanted.aspect_ratio,
      wanted.resolution);
  given.size =
      given.mask ? service::kept_size(first.width, first.height, wanted.resolution) : asked;
  if (!as_first && given.size != asked)
    given.warnings.push_back(
        fmt::format("aspect_ratio: {} means {}x{}, but with a mask the picture keeps the shape of "
                    "image 1 and is {}x{}",
                    to_string(wanted.aspect_ratio), asked.width, asked.height, given.size.width,
                    given.size.height));
  const service::PictureSize square =
      service::picture_size(service::AspectRatio::r1_1, wanted.resolution);
  const bool is_smaller = area_of({first.width, first.height}) < area_of(square);
  // The smallest is what nobody may have asked for.
  if (given.mask && is_smaller && wanted.resolution != service::Resolution::k1)
    given.warnings.push_back(fmt::format(
        "resolution: {} means {}x{}, but with a mask the picture is not enlarged: it is "
        "as large as image 1, {}x{}",
        to_string(wanted.resolution), asked.width, asked.height, given.size.width,
        given.size.height));
}

}  // namespace

Result<> make_edits(const Making& making) {
  const auto& edit = std::get<service::EditRequest>(making.active.claimed.payload);
  Given given;
  for (const std::string& blob : edit.references)
    given.references.push_back(
        TRY(read_picture(making, blob, service::reference_name(given.references.size()))));
  if (!edit.mask.empty())
    given.mask =
        TRY(read_picture(making, edit.mask, service::kMaskName, image::Colours::as_stored));
  settle_size(edit.pictures, given);
  return make_wanted(making, edit.pictures, std::move(given));
}

}  // namespace imagined::worker
