#include "api/wire/file_replies.h"

#include <fmt/core.h>

#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>

#include "api/wire/json.h"
#include "base/json_text.h"
#include "service/links/links.h"

namespace imagined::api::wire {
namespace {

JsonText seconds_or_null(std::int64_t unix_ms) {
  return unix_ms == 0 ? JsonText() : JsonText(unix_ms / 1'000);
}

JsonText file_value(const service::StoredFile& file, std::string_view base) {
  JsonText value = JsonText::object({{"id", file.id},
                                     {"object", "file"},
                                     {"bytes", file.size_bytes},
                                     {"created_at", file.created_ms / 1'000},
                                     {"filename", file.name}});
  value.add("expires_at", seconds_or_null(file.expires_ms));
  value.add("purpose", "");
  value.add("status", "processed");
  if (file.public_name.empty()) return value;
  value.add("public_url", service::public_url_of(file, base));
  value.add("public_url_expires_at", seconds_or_null(file.public_until_ms));
  return value;
}

tl::unexpected<Error> wrong(std::string_view name, std::string_view expected,
                            std::string_view value) {
  return fail(ErrorCode::invalid_argument,
              fmt::format("{}: expected {}, got {:?}", name, expected, value.substr(0, 60)),
              std::string(name));
}

}  // namespace

std::string file_body(const service::StoredFile& file, std::string_view base) {
  return file_value(file, base).text();
}

std::string files_body(std::span<const service::StoredFile> files, int page_count,
                       std::string_view base) {
  JsonText list = JsonText::array();
  for (const service::StoredFile& file : files) list.push(file_value(file, base));
  const bool is_full = std::ssize(files) == page_count;
  JsonText body = JsonText::object({{"object", "list"}, {"data", list}, {"has_more", is_full}});
  if (is_full) body.add("pagination_token", files.back().id);
  return body.text();
}

std::string deleted_file_body(std::string_view id) {
  return JsonText::object({{"id", id}, {"object", "file"}, {"deleted", true}}).text();
}

std::string public_url_body(const service::StoredFile& file, std::string_view base) {
  JsonText body = JsonText::object({{"public_url", service::public_url_of(file, base)}});
  if (file.public_until_ms != 0) body.add("expires_at", file.public_until_ms / 1'000);
  return body.text();
}

std::string revoked_body(const service::StoredFile& file, std::string_view base) {
  JsonText body = JsonText::object({{"id", file.id}, {"revoked", !file.public_name.empty()}});
  if (!file.public_name.empty()) body.add("public_url", service::public_url_of(file, base));
  return body.text();
}

Result<service::PublicWish> parse_public_wish(std::string_view body) {
  if (body.find_first_not_of(" \t\r\n") == std::string_view::npos) return service::PublicWish();
  const nlohmann::json object = TRY(parse_json_object(body));
  return service::PublicWish{
      .life_s = TRY(read_integer(object, "expires_after", "a whole number of seconds"))};
}

Result<service::FilePageWish> parse_file_page(std::string_view query) {
  service::FilePageWish wish;
  while (!query.empty()) {
    const std::string_view pair = query.substr(0, query.find('&'));
    query.remove_prefix(std::min(pair.size() + 1, query.size()));
    const std::string_view name = pair.substr(0, pair.find('='));
    const std::string_view value = pair.substr(std::min(name.size() + 1, pair.size()));
    if (value.empty() || name == "purpose") continue;
    if (name == "limit") {
      const auto end = value.data() + value.size();
      const auto [stopped, error] = std::from_chars(value.data(), end, wish.count);
      if (error != std::errc() || stopped != end) return wrong(name, "a whole number", value);
    } else if (name == "order") {
      if (value != "asc" && value != "desc") return wrong(name, "asc or desc", value);
      wish.newest_first = value == "desc";
    } else if (name == "pagination_token" || name == "after") {
      wish.after = value;  // an id, which needs no escapes
    } else if (name == "sort_by") {
      if (value != "created_at") return wrong(name, "created_at", value);
    } else {
      return fail(ErrorCode::invalid_argument,
                  fmt::format("{:?}: files cannot be chosen by this here", name.substr(0, 60)),
                  std::string(name.substr(0, 60)));
    }
  }
  return wish;
}

}  // namespace imagined::api::wire
