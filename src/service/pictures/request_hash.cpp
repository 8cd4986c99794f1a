#include "service/pictures/request_hash.h"

#include <fmt/format.h>

#include <string_view>

#include "base/crypto.h"

namespace imagined::service {

std::string request_hash(const PictureRequest& request) {
  std::string bytes = "pictures 1\n";
  const auto add = [&bytes](std::string_view field) {
    bytes += fmt::format("{}:{}\n", field.size(), field);
  };
  add(request.model);
  add(request.prompt.text());
  add(std::to_string(request.count));
  add(to_string(request.aspect_ratio));
  add(to_string(request.resolution));
  add(request.seed ? std::to_string(*request.seed) : "random");
  add(image::to_string(request.format));
  add(request.user);
  // Said only where they are, so that requests of before are still the same.
  if (request.steps) add(fmt::format("steps={}", *request.steps));
  if (request.guidance) add(fmt::format("guidance={}", *request.guidance));
  if (request.negative_prompt) add("negative=" + request.negative_prompt->text());
  if (request.file_quality) add(fmt::format("file_quality={}", *request.file_quality));
  return to_hex(sha256(bytes));
}

std::string request_hash(const EditRequest& request) {
  // Hashes, all of one length but the mask's, which is last.
  std::string bytes = fmt::format("edits 1\n{}\n", request_hash(request.pictures));
  for (const std::string& reference : request.references) bytes += reference + "\n";
  return to_hex(sha256(bytes + "mask\n" + request.mask));
}

std::string request_hash(const VideoRequest& request) {
  // Hashes, words and a number, none of which has an end of line.
  std::string bytes = fmt::format(
      "videos 1\n{}\n{}\n{}\n{}\n{}\n{}\n", request_hash(request.frames), to_string(request.task),
      request.seconds, to_string(request.resolution), request.image, request.video);
  if (const auto& file = request.storage) {
    const auto& everybody = file->for_everybody;
    bytes += fmt::format("file {}:{}\n{}\n{}\n{}\n", file->name.size(), file->name,
                         file->life_s.value_or(-1), everybody.has_value(),
                         everybody ? everybody->life_s.value_or(-1) : -1);
  }
  if (!request.upload_url.empty())
    bytes += fmt::format("upload {}:{}\n", request.upload_url.size(), request.upload_url);
  return to_hex(sha256(bytes));
}

}  // namespace imagined::service
