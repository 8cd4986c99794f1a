#include "engine/formats/weight_index.h"

#include <fmt/core.h>

#include <nlohmann/json.hpp>

#include "base/file.h"
#include "engine/formats/in_quotes.h"
#include "engine/formats/json.h"

namespace imagined::engine {
namespace {

constexpr std::size_t kMaxIndexBytes = 16 << 20;

bool is_plain_file_name(std::string_view name) {
  return !name.empty() && name != "." && name != ".." &&
         name.find_first_of(std::string_view("/\\\0", 3)) == std::string_view::npos;
}

}  // namespace

Result<std::map<std::string, std::string>> read_weight_index(const std::filesystem::path& path) {
  const std::string file = path.filename().string();
  const std::string text = TRY(read_file(path, kMaxIndexBytes));
  const nlohmann::json index = TRY(parse_json(text, file));
  const auto map = index.is_object() ? index.find("weight_map") : index.end();
  if (!index.is_object() || map == index.end() || !map->is_object())
    return fail(ErrorCode::invalid_argument,
                fmt::format("{}: \"weight_map\": expected an object", file));
  std::map<std::string, std::string> shards;
  for (const auto& [tensor, shard] : map->items()) {
    const std::string name = shard.is_string() ? shard.get<std::string>() : std::string();
    if (!is_plain_file_name(name))
      return fail(ErrorCode::invalid_argument,
                  fmt::format("{}: tensor {}: {} is no name of a file in the same folder", file,
                              in_quotes(tensor), in_quotes(name)));
    shards.emplace(tensor, name);
  }
  return shards;
}

}  // namespace imagined::engine
