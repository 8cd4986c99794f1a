#include "engine/formats/weight_files.h"

#include <fmt/core.h>

#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "engine/formats/folder.h"
#include "engine/formats/in_quotes.h"
#include "engine/formats/json.h"

namespace imagined::engine {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMaxShards = 512;
constexpr std::size_t kMaxIndexBytes = 16 << 20;

/// The weight file or the index that a component folder holds.
Result<fs::path> weights_in(const fs::path& folder) {
  for (const char* stem : {"diffusion_pytorch_model", "model"})
    for (const char* ending : {".safetensors", ".safetensors.index.json"})
      if (const fs::path path = folder / (std::string(stem) + ending); is_file(path)) return path;
  const std::vector<fs::path> found = weight_files_in(folder);
  const std::string name = folder.filename().string();
  if (found.size() == 1) return found.front();
  if (found.empty())
    return fail(ErrorCode::not_found,
                fmt::format("{}: no .safetensors or .gguf file in this folder", name), {},
                folder.string());
  return fail(ErrorCode::invalid_argument,
              fmt::format("{}: {} weight files and no index that joins them", name, found.size()),
              {}, folder.string());
}

bool is_plain_file_name(std::string_view name) {
  return !name.empty() && name != "." && name != ".." &&
         name.find_first_of(std::string_view("/\\\0", 3)) == std::string_view::npos;
}

/// Tensor name to shard, as an index file says.
Result<std::map<std::string, std::string>> read_index(const fs::path& path) {
  const std::string file = path.filename().string();
  const std::string text = TRY(read_text(path, kMaxIndexBytes));
  const nlohmann::json json = TRY(parse_json(text, file));
  const auto map = json.is_object() ? json.find("weight_map") : json.end();
  if (!json.is_object() || map == json.end() || !map->is_object())
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

Result<std::vector<WeightFile>> open_shards(const fs::path& index) {
  const std::map<std::string, std::string> shards = TRY(read_index(index));
  std::set<std::string> names;
  for (const auto& [tensor, shard] : shards) names.insert(shard);
  if (names.size() > kMaxShards)
    return fail(ErrorCode::invalid_argument,
                fmt::format("{}: {} shards, {} allowed", index.filename().string(), names.size(),
                            kMaxShards));
  std::map<std::string, std::size_t> by_name;
  std::vector<WeightFile> files;
  for (const std::string& name : names) {
    by_name.emplace(name, files.size());
    files.push_back(TRY(WeightFile::open(index.parent_path() / name)));
  }
  for (const auto& [tensor, shard] : shards)
    if (files[by_name.at(shard)].find(tensor) == nullptr)
      return fail(ErrorCode::data_loss,
                  fmt::format("{}: tensor {} is not in {}, where {} says it is", shard,
                              in_quotes(tensor), shard, index.filename().string()));
  return files;
}

}  // namespace

Result<std::shared_ptr<const WeightFiles>> WeightFiles::open(
    const fs::path& path, std::span<const NameTable* const> tables) {
  std::shared_ptr<WeightFiles> files(new WeightFiles());
  files->path_ = is_folder(path) ? TRY(weights_in(path)) : path;
  if (files->path_.extension() == ".json") {
    files->files_ = TRY(open_shards(files->path_));
  } else {
    files->files_.push_back(TRY(WeightFile::open(files->path_)));
  }
  for (const WeightFile& file : files->files_)
    for (const FileTensor& tensor : file.tensors()) files->tensors_.push_back(&tensor);
  files->contents_ = sort_tensors(files->tensors_, tables);
  return files;
}

Result<> WeightFiles::intact() const {
  for (const WeightFile& file : files_) TRY(file.intact());
  return {};
}

}  // namespace imagined::engine
