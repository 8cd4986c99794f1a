#include "service/files/file_service.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/crypto.h"
#include "base/ids.h"
#include "base/utf8.h"

namespace imagined::service {
namespace {

constexpr std::size_t kNameBytesMax = 255;
const std::string kIdPrefix = "file_";

bool is_id(std::string_view text) {
  return text.starts_with(kIdPrefix) && is_uuid(text.substr(kIdPrefix.size()));
}

tl::unexpected<Error> no_such_file(std::string_view id) {
  return fail(ErrorCode::not_found,
              fmt::format("there is no file {:?}", valid_utf8(id.substr(0, 60))), "file_id");
}

Result<void> check_name(std::string_view name) {
  if (name.empty() || name.size() > kNameBytesMax)
    return fail(ErrorCode::invalid_argument,
                fmt::format("filename has {} bytes, expected 1 to {}", name.size(), kNameBytesMax),
                "filename");
  if (is_printable_line(name)) return {};
  return fail(ErrorCode::invalid_argument, "filename has a control character or broken UTF-8",
              "filename");
}

Result<void> check_life(std::optional<std::int64_t> life_s,
                        const std::string& field = "expires_after") {
  if (!life_s || (*life_s >= kFileLifeSecondsMin && *life_s <= kFileLifeSecondsMax)) return {};
  return fail(ErrorCode::invalid_argument,
              fmt::format("{} is {}, expected {} to {} seconds", field, *life_s,
                          kFileLifeSecondsMin, kFileLifeSecondsMax),
              field);
}

/// Of a file that lives for so long; empty: until it is deleted.
Result<void> check_public(const PublicWish& wish, std::optional<std::int64_t> file_life_s,
                          const std::string& field) {
  TRY(check_life(wish.life_s, field));
  if (!wish.life_s || !file_life_s || *wish.life_s <= *file_life_s) return {};
  return fail(ErrorCode::invalid_argument,
              fmt::format("{} is {}, expected at most {}: the file is kept no longer", field,
                          *wish.life_s, *file_life_s),
              field);
}

constexpr const char* kPublicLife = "public_url.expires_after";
constexpr std::size_t kPublicNameLength = 32;  // nobody guesses 190 bits

bool is_over(std::int64_t until_ms, std::int64_t now_ms) {
  return until_ms > 0 && until_ms <= now_ms;
}

/// Without a public name whose time is over.
StoredFile seen(StoredFile file, std::int64_t now_ms) {
  if (!is_over(file.public_until_ms, now_ms)) return file;
  file.public_name.clear();
  file.public_until_ms = 0;
  return file;
}

void make_public(StoredFile& file, const PublicWish& wish, std::int64_t now_ms) {
  if (file.public_name.empty()) file.public_name = random_base62(kPublicNameLength);
  file.public_until_ms = wish.life_s ? now_ms + *wish.life_s * 1'000 : file.expires_ms;
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
  TRY(check_life(wish.life_s));
  return wish.for_everybody ? check_public(*wish.for_everybody, wish.life_s, kPublicLife)
                            : Result<void>();
}

Result<StoredFile> FileService::add(const Caller& caller, NewFile file) {
  TRY(require(caller, Scope::files));
  TRY(check_name(file.name));
  TRY(check_life(file.life_s));
  if (file.for_everybody) TRY(check_public(*file.for_everybody, file.life_s, kPublicLife));
  const std::int64_t now_ms = clock_.unix_ms();
  const bool is_made = !file.order_id.empty();
  StoredFile stored{
      .id = kIdPrefix + (is_made ? child_uuid(file.order_id, file.picture_id) : make_uuid(clock_)),
      .owner = caller.owner,
      .name = std::move(file.name),
      .blob = std::move(file.blob),
      .size_bytes = file.size_bytes,
      .created_ms = now_ms,
      .expires_ms = file.life_s ? now_ms + *file.life_s * 1'000 : 0};
  if (file.for_everybody) make_public(stored, *file.for_everybody, now_ms);
  auto inserted = files_.insert(stored, kFilesPerTeamMax);
  if (!inserted && inserted.error().code == ErrorCode::already_exists && is_made)
    return seen(TRY(files_.find(stored.id)), now_ms);
  TRY(std::move(inserted));
  return stored;
}

Result<StoredFile> FileService::find(const Caller& caller, std::string_view id) {
  TRY(require(caller, Scope::files));
  auto found = files_.find(id);
  if (!found && found.error().code == ErrorCode::not_found) return no_such_file(id);
  StoredFile file = TRY(std::move(found));
  const std::int64_t now_ms = clock_.unix_ms();
  if (is_over(file.expires_ms, now_ms) || !may_see(caller, file.owner)) return no_such_file(id);
  return seen(std::move(file), now_ms);
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
  const std::int64_t now_ms = clock_.unix_ms();
  auto files = TRY(files_.list({.org_id = caller.owner.org_id,
                                .team_id = caller.owner.team_id,
                                .after = wish.after,
                                .newest_first = wish.newest_first,
                                .unix_ms = now_ms,
                                .count_max = wish.count}));
  for (StoredFile& file : files) file = seen(std::move(file), now_ms);
  return files;
}

Result<std::vector<std::uint8_t>> FileService::content(const Caller& caller, std::string_view id) {
  return content(TRY(find(caller, id)));
}

Result<std::vector<std::uint8_t>> FileService::content(const StoredFile& file) {
  auto bytes = blobs_.get(file.blob);
  if (!bytes && bytes.error().code == ErrorCode::not_found)
    return fail(ErrorCode::data_loss, "the stored file is damaged");
  return bytes;
}

Result<void> FileService::remove(const Caller& caller, std::string_view id) {
  const StoredFile file = TRY(find(caller, id));
  if (!TRY(files_.remove(file.id))) return no_such_file(id);  // somebody else was faster
  return {};
}

Result<StoredFile> FileService::publish(const Caller& caller, std::string_view id,
                                        const PublicWish& wish) {
  StoredFile file = TRY(find(caller, id));
  if (file.size_bytes == 0)
    return fail(ErrorCode::invalid_argument, "the file is empty, and there is nothing to show",
                "file_id");
  const std::int64_t now_ms = clock_.unix_ms();
  std::optional<std::int64_t> left_s;
  if (file.expires_ms != 0) left_s = (file.expires_ms - now_ms) / 1'000;
  TRY(check_public(wish, left_s, "expires_after"));
  make_public(file, wish, now_ms);
  if (!TRY(files_.publish(file.id, file.public_name, file.public_until_ms)))
    return no_such_file(id);
  return file;
}

Result<StoredFile> FileService::revoke(const Caller& caller, std::string_view id) {
  StoredFile file = TRY(find(caller, id));
  if (!file.public_name.empty() && !TRY(files_.publish(file.id, {}, 0))) return no_such_file(id);
  return file;
}

Result<StoredFile> FileService::find_public(std::string_view public_name) {
  auto found = files_.find_public(public_name);
  if (!found && found.error().code == ErrorCode::not_found) return no_such_file(public_name);
  StoredFile file = TRY(std::move(found));
  const std::int64_t now_ms = clock_.unix_ms();
  if (is_over(file.expires_ms, now_ms) || is_over(file.public_until_ms, now_ms))
    return no_such_file(public_name);
  return file;
}

}  // namespace imagined::service
