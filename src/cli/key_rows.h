// How commands show keys and ask for them.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/json_text.h"
#include "service/accounts/api_key.h"

namespace imagined::cli {

/// A key without its secret.
JsonText to_json(const service::ApiKey& key);

/// Those of customers, or of people, that are not deleted.
enum class Holder : std::uint8_t { customer, person };
std::vector<service::ApiKey> keys_of(Holder holder, std::vector<service::ApiKey> keys);

/// "2026-11-28 17:05" in UTC.
std::string day_and_time(std::int64_t unix_ms, const char* if_none);

/// Of a public id or a whole key, whichever is at hand.
std::string id_of(const std::string& text);

/// Asks who types at a terminal whether a key is to be deleted; a script has meant it.
bool is_meant(const std::string& id);

/// Prints a key that was made just now, this once. `good_for` is the folder of its server.
void print_new_key(const service::NewKey& made, bool as_json, const std::string& good_for);

}  // namespace imagined::cli
