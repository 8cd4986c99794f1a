#include "worker/make_edits.h"

#include <fmt/core.h>

#include <utility>
#include <variant>

#include "service/pictures/edit_request.h"
#include "worker/make_pictures.h"

namespace imagined::worker {
namespace {

// What may be uploaded may be decoded; the pixels have limits of their own.
constexpr image::DecodeLimits kLimits{.bytes_max = service::kUploadBytesMax};

Result<image::Picture> read_reference(std::string_view blob, const Making& making) {
  const auto file = TRY(making.blobs.get(blob));
  return making.decoder.decode(file, kLimits);
}

Result<std::vector<image::Picture>> read_references(const service::EditRequest& edit,
                                                    const Making& making) {
  std::vector<image::Picture> pictures;
  for (const std::string& blob : edit.references) {
    auto picture = read_reference(blob, making);
    if (!picture)
      return tl::unexpected(service::about_picture(std::move(picture.error()),
                                                   service::reference_name(pictures.size())));
    pictures.push_back(std::move(*picture));
  }
  return pictures;
}

}  // namespace

Result<> make_edits(const Making& making) {
  const auto& edit = std::get<service::EditRequest>(making.active.claimed.payload);
  if (!edit.mask.empty())
    return fail(ErrorCode::invalid_argument,
                fmt::format("mask: the model \"{}\" cannot keep a part of a picture as it is",
                            making.model.id),
                "mask");
  auto references = TRY(read_references(edit, making));
  service::PictureRequest wanted = edit.pictures;
  if (wanted.aspect_ratio == service::AspectRatio::auto_)
    wanted.aspect_ratio = service::nearest_aspect_ratio(references[0].width, references[0].height);
  return make_wanted(making, wanted, std::move(references));
}

}  // namespace imagined::worker
