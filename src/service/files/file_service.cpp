#include "service/files/file_service.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/ids.h"
#include "base/utf8.h"

namespace imagined::service {
namespace {

constexpr std::size_t kNameBytesMax = 255;
const std::string kIdPrefix = "file_";

bool is_id(std::string_view text) {
  return text.starts_with(kIdPrefix) && is_uuid(text.substr(kIdPrefix.size()));
}

tl::unexpected<Error> no_such_file() { return fail(ErrorCode::not_found, "no such file"); }

Result<void> check_name(std::string_view name) {
  if (name.empty() || name.size() > kNameBytesMax)
    return fail(ErrorCode::invalid_argument,
                fmt::format("filename has {} bytes, expected 1 to {}", name.size(), kNameBytesMax),
                "filename");
  if (is_printable_line(name)) return {};
  return fail(ErrorCode::invalid_argument, "filename has a control character or broken UTF-8",
              "filename");
}

Result<void> check_life(std::optional<std::int64_t> life_s) {
  if (!life_s || (*life_s >= kFileLifeSecondsMin && *life_s <= kFileLifeSecondsMax)) return {};
  return fail(ErrorCode::invalid_argument,
              fmt::format("expires_after is {}, expected {} to {} seconds", *life_s,
                          kFileLifeSecondsMin, kFileLifeSecondsMax),
              "expires_after");
}

}  // namespace

Result<std::unique_ptr<BlobWriter>> FileService::begin(const Caller& caller) {
  TRY(require(caller, Scope::files));
  TRY(blobs_.check_room());
  return blobs_.begin_put();
}

std::string numbered_name(std::string_view name, int index, int count) {
  if (count == 1) return std::string(name);
  const auto dot = std::min(name.rfind('.'), name.size());
  return fmt::format("{}-{}{}", name.substr(0, dot), index + 1, name.substr(dot));
}

Result<void> FileService::check(const Caller& caller, const FileWish& wish) const {
  TRY(require(caller, Scope::files));
  constexpr int kMost = 100;  // more pictures than any request has
  TRY(check_name(wish.name.empty() ? wish.name : numbered_name(wish.name, kMost, kMost)));
  return check_life(wish.life_s);
}

Result<StoredFile> FileService::add(const Caller& caller, NewFile file) {
  TRY(require(caller, Scope::files));
  TRY(check_name(file.name));
  TRY(check_life(file.life_s));
  const std::int64_t now_ms = clock_.unix_ms();
  const bool is_made = !file.order_id.empty();
  const StoredFile stored{
      .id = kIdPrefix + (is_made ? child_uuid(file.order_id, file.picture_id) : make_uuid(clock_)),
      .owner = caller.owner,
      .name = std::move(file.name),
      .blob = std::move(file.blob),
      .size_bytes = file.size_bytes,
      .created_ms = now_ms,
      .expires_ms = file.life_s ? now_ms + *file.life_s * 1'000 : 0};
  auto inserted = files_.insert(stored, kFilesPerTeamMax);
  if (!inserted && inserted.error().code == ErrorCode::already_exists && is_made)
    return files_.find(stored.id);
  TRY(std::move(inserted));
  return stored;
}

Result<StoredFile> FileService::find(const Caller& caller, std::string_view id) {
  TRY(require(caller, Scope::files));
  StoredFile file = TRY(files_.find(id));
  const bool expired = file.expires_ms > 0 && file.expires_ms <= clock_.unix_ms();
  if (expired || !may_see(caller, file.owner)) return no_such_file();
  return file;
}

Result<std::vector<StoredFile>> FileService::list(const Caller& caller, const FilePageWish& wish) {
  TRY(require(caller, Scope::files));
  if (wish.count < 1 || wish.count > kFilePageMax)
    return fail(ErrorCode::invalid_argument,
                fmt::format("limit is {}, expected 1 to {}", wish.count, kFilePageMax), "limit");
  if (!wish.after.empty() && !is_id(wish.after))
    return fail(ErrorCode::invalid_argument,
                fmt::format("pagination_token is {:?}, expected that of the page before, which is "
                            "the id of its last file",
                            valid_utf8(wish.after.substr(0, 60))),
                "pagination_token");
  return files_.list({.org_id = caller.owner.org_id,
                      .team_id = caller.owner.team_id,
                      .after = wish.after,
                      .newest_first = wish.newest_first,
                      .unix_ms = clock_.unix_ms(),
                      .count_max = wish.count});
}

Result<std::vector<std::uint8_t>> FileService::content(const Caller& caller, std::string_view id) {
  const StoredFile file = TRY(find(caller, id));
  auto bytes = blobs_.get(file.blob);
  if (!bytes && bytes.error().code == ErrorCode::not_found)
    return fail(ErrorCode::data_loss, "the stored file is damaged");
  return bytes;
}

Result<void> FileService::remove(const Caller& caller, std::string_view id) {
  const StoredFile file = TRY(find(caller, id));
  if (!TRY(files_.remove(file.id))) return no_such_file();  // somebody else was faster
  return {};
}

}  // namespace imagined::service
