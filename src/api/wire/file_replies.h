// Files of customers as xAI's and OpenAI's clients read them (xai-api.md 1.14).
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "base/result.h"
#include "service/files/file_service.h"

namespace imagined::api::wire {

/// `base`: the URL before `/v1` in the address of a public file.
std::string file_body(const service::StoredFile& file, std::string_view base);
/// `{"object": "list", "data": [...], "pagination_token"}`, the token only behind a full page.
std::string files_body(std::span<const service::StoredFile> files, int page_count,
                       std::string_view base);
/// `{"id", "object": "file", "deleted": true}`.
std::string deleted_file_body(std::string_view id);

/// `{"public_url", "expires_at"}`, the time where there is an end.
std::string public_url_body(const service::StoredFile& file, std::string_view base);
/// `{"id", "revoked", "public_url"}` of the file as it was; the address where there was one.
std::string revoked_body(const service::StoredFile& file, std::string_view base);

/// `{"expires_after"}`, or nothing at all.
Result<service::PublicWish> parse_public_wish(std::string_view body);

/// `limit`, `order` (`asc`, `desc`), `pagination_token` and OpenAI's `after`. `invalid_argument`
/// for a wrong value and for what would change the list and is not offered (`sort_by`, `filter`);
/// OpenAI's `purpose` changes nothing.
Result<service::FilePageWish> parse_file_page(std::string_view query);

}  // namespace imagined::api::wire
