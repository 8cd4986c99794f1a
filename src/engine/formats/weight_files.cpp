#include "engine/formats/weight_files.h"

#include <fmt/core.h>

#include <map>
#include <set>

#include "engine/formats/component_folder.h"
#include "engine/formats/folder.h"
#include "engine/formats/in_quotes.h"
#include "engine/formats/quantised.h"
#include "engine/formats/weight_index.h"

namespace imagined::engine {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMaxShards = 512;

/// The only weights of a folder.
Result<fs::path> only_weights_in(const fs::path& folder) {
  const std::vector<WeightsPlace> places = TRY(weights_in(folder));
  if (places.size() == 1 || places.front().standard) return places.front().path;
  return fail(ErrorCode::invalid_argument,
              fmt::format("{}: {} weight files and no index that joins them", last_name(folder),
                          places.size()),
              {}, folder.string());
}

Result<std::vector<WeightFile>> open_shards(const fs::path& index) {
  const std::map<std::string, std::string> shards = TRY(read_weight_index(index));
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
  files->path_ = is_folder(path) ? TRY(only_weights_in(path)) : path;
  if (files->path_.extension() == ".json") {
    files->files_ = TRY(open_shards(files->path_));
  } else {
    files->files_.push_back(TRY(WeightFile::open(files->path_)));
  }
  std::vector<const FileTensor*> stored;
  std::vector<std::string> notes;
  for (const WeightFile& file : files->files_) {
    for (const FileTensor& tensor : file.tensors()) stored.push_back(&tensor);
    const std::string_view note = file.note("_quantization_metadata");
    if (!note.empty()) notes.emplace_back(note);
  }
  Result<std::vector<FileTensor>> joined = join_quantised(stored, notes);
  if (!joined) {
    Error error = std::move(joined.error());
    error.message = fmt::format("{}: {}", files->path_.filename().string(), error.message);
    return tl::unexpected(std::move(error));
  }
  files->joined_ = std::move(*joined);
  for (const FileTensor& tensor : files->joined_) files->tensors_.push_back(&tensor);
  files->contents_ = sort_tensors(files->tensors_, tables);
  return files;
}

Result<> WeightFiles::intact() const {
  for (const WeightFile& file : files_) TRY(file.intact());
  return {};
}

}  // namespace imagined::engine
