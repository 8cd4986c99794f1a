#pragma once

#include <optional>
#include <string>
#include <vector>

#include "service/pictures/picture_request.h"
#include "worker/making.h"

namespace imagined::worker {

/// Pictures from a prompt.
Result<> make_pictures(const Making& making);

/// What pictures are made of beside their prompt, and how large.
struct Given {
  service::PictureSize size;
  std::vector<image::Picture> references;
  std::optional<image::Picture> mask;
  std::vector<std::string> warnings;  // what of the request had no effect on them
};

/// The pictures that are wanted; their seeds count up from the one that was given.
Result<> make_wanted(const Making& making, const service::PictureRequest& wanted, Given given);

}  // namespace imagined::worker
