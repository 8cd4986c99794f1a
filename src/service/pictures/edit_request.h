#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "service/pictures/picture_request.h"

namespace imagined::service {

inline constexpr int kReferencesMax = 8;
inline constexpr std::size_t kUploadBytesMax = 50'000'000;  // one picture's file; OpenAI's limit

/// New pictures out of given ones. Those are blobs, of which nothing but the size is read before a
/// worker decodes them: what else is wrong with one fails the job, naming it ("image 2").
struct EditRequest {
  PictureRequest pictures;              // `auto` is the ratio of the first reference
  std::vector<std::string> references;  // blobs, 1 to kReferencesMax, in the customer's order
  std::string mask;                     // a blob; empty: none

  bool operator==(const EditRequest&) const = default;
};

/// What messages call the references and the mask: "image 1", "image 2", "the mask".
std::string reference_name(std::size_t index);
inline constexpr std::string_view kMaskName = "the mask";

/// The error of one given picture, with its name: "the image is empty" becomes "image 2 is empty".
Error about_picture(Error error, std::string_view name);

}  // namespace imagined::service
