#include "service/pictures/intake.h"

namespace imagined::service {
namespace {

/// Who may make something of what they give.
Result<void> require_giver(const Caller& caller) {
  return caller.scopes.has(Scope::videos) ? Result<void>() : require(caller, Scope::edits);
}

}  // namespace

Result<std::unique_ptr<BlobWriter>> Intake::begin(const Caller& caller) {
  TRY(require_giver(caller));
  TRY(blobs_.check_room());
  return blobs_.begin_put();
}

Result<std::string> Intake::fetch(const Caller& caller, std::string_view url,
                                  std::chrono::steady_clock::time_point deadline,
                                  std::size_t bytes_max) {
  const auto writer = TRY(begin(caller));
  TRY(web_.fetch(url, {.bytes_max = bytes_max, .deadline = deadline},
                 [&](std::span<const std::uint8_t> bytes) { return writer->append(bytes); }));
  return writer->finish();
}

Result<std::string> Intake::take(const Caller& caller, const LinkedPicture& made_here) {
  return take(caller, made_here.id());
}

Result<std::string> Intake::take(const Caller& caller, std::string_view picture_id) {
  const auto file = images_.read_picture(caller, picture_id);
  if (!file && file.error().code == ErrorCode::not_found)
    return fail(ErrorCode::invalid_argument, "the URL leads to no picture of yours", "image");
  if (!file) return tl::unexpected(file.error());
  const auto writer = TRY(begin(caller));  // anew, so that it is not too old to be kept
  TRY(writer->append(file->bytes));
  return writer->finish();
}

Result<std::string> Intake::take_public(const Caller& caller, std::string_view public_name) {
  TRY(require_giver(caller));
  auto file = files_.find_public(public_name);
  if (file) return std::move(file->blob);
  if (file.error().code == ErrorCode::not_found)
    return fail(ErrorCode::invalid_argument, "the URL leads to no file, or to none any more",
                "image");
  return tl::unexpected(std::move(file.error()));
}

Result<std::string> Intake::take_file(const Caller& caller, std::string_view file_id) {
  auto file = files_.find(caller, file_id);
  if (file) return std::move(file->blob);
  if (file.error().code == ErrorCode::not_found) file.error().code = ErrorCode::invalid_argument;
  return tl::unexpected(std::move(file.error()));
}

}  // namespace imagined::service
