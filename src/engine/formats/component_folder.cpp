#include "engine/formats/component_folder.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <map>
#include <optional>
#include <set>

#include "base/words.h"
#include "engine/formats/folder.h"
#include "engine/formats/weight_index.h"

namespace imagined::engine {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kIndexMark = ".safetensors.index";

/// The names under which diffusers and transformers save.
struct Stem {
  std::string_view name;
  bool index_is_read;  // by the library, where a whole file lies beside it
};
constexpr std::array<Stem, 2> kStems = {{{"diffusion_pytorch_model", true}, {"model", false}}};

bool is_index_name(const std::string& name) {
  return name.find(kIndexMark) != std::string::npos && name.ends_with(".json") &&
         !name.starts_with('.');
}

std::vector<fs::path> indices_in(const fs::path& folder) {
  std::vector<fs::path> found;
  std::error_code error;
  for (fs::directory_iterator entry(folder, error), end; !error && entry != end;
       entry.increment(error))
    if (is_index_name(entry->path().filename().string()) && is_file(entry->path()))
      found.push_back(entry->path());
  std::sort(found.begin(), found.end());
  return found;
}

/// What one saving left: a whole file, an index, or both.
struct Saved {
  fs::path whole;
  fs::path index;
};

bool has_all_shards(const fs::path& index) {
  const std::vector<std::string> names = shard_names(index);
  return !names.empty() && std::all_of(names.begin(), names.end(), [&](const std::string& name) {
    return is_file(index.parent_path() / name);
  });
}

Result<WeightsPlace> decide(const fs::path& folder, const Saved& saved, const Stem& stem) {
  if (saved.index.empty()) return WeightsPlace{saved.whole, true, {}};
  if (saved.whole.empty()) return WeightsPlace{saved.index, true, {}};
  const std::string whole = saved.whole.filename().string();
  const std::string index = saved.index.filename().string();
  if (!has_all_shards(saved.index))
    return WeightsPlace{saved.whole, true,
                        fmt::format("{}: {} is a leftover whose shards are not there; "
                                    "read {}",
                                    last_name(folder), index, whole)};
  if (stem.index_is_read)
    return WeightsPlace{saved.index, true,
                        fmt::format("{}: {} lies beside {} and its shards; read the "
                                    "shards, as diffusers does",
                                    last_name(folder), whole, index)};
  return fail(ErrorCode::invalid_argument,
              fmt::format("{}: {} and {} with its shards both hold the weights, one of them from "
                          "an older saving; delete it, or name the right one in the configuration",
                          last_name(folder), whole, index),
              {}, folder.string());
}

/// The variants saved under a stem, the plain one under "".
std::map<std::string, Saved> saved_as(const std::vector<fs::path>& files,
                                      const std::vector<fs::path>& indices, std::string_view stem) {
  std::map<std::string, Saved> saved;
  const auto variant = [](std::string_view middle) -> std::optional<std::string> {
    if (middle.empty()) return std::string();
    // ".fp16", not the "-00001-of-00002" of a shard.
    if (middle[0] != '.' || middle.find_first_of(".-", 1) != std::string_view::npos)
      return std::nullopt;
    return std::string(middle.substr(1));
  };
  for (const fs::path& file : files) {
    const std::string name = file.filename().string();
    constexpr std::string_view kEnd = ".safetensors";
    if (!name.starts_with(stem) || !name.ends_with(kEnd)) continue;
    const std::string_view middle =
        std::string_view(name).substr(stem.size(), name.size() - stem.size() - kEnd.size());
    if (const auto found = variant(middle)) saved[*found].whole = file;
  }
  for (const fs::path& index : indices) {
    const std::string name = index.filename().string();
    const std::string begin = fmt::format("{}{}", stem, kIndexMark);
    constexpr std::string_view kEnd = ".json";
    if (!name.starts_with(begin)) continue;
    const std::string_view middle =
        std::string_view(name).substr(begin.size(), name.size() - begin.size() - kEnd.size());
    if (const auto found = variant(middle)) saved[*found].index = index;
  }
  return saved;
}

tl::unexpected<Error> nothing_in(const fs::path& folder) {
  std::error_code error;
  for (fs::directory_iterator entry(folder, error), end; !error && entry != end;
       entry.increment(error)) {
    const std::string ending = entry->path().extension().string();
    for (const char* pickle : {".bin", ".pt", ".pth", ".ckpt"})
      if (ending == pickle)
        return fail(
            ErrorCode::not_found,
            fmt::format("{}: no .safetensors or .gguf file in this folder, only {}; pickles "
                        "are never read, because they can run code: save it as safetensors",
                        last_name(folder), entry->path().filename().string()),
            {}, folder.string());
  }
  return fail(ErrorCode::not_found,
              fmt::format("{}: no .safetensors or .gguf file in this folder", last_name(folder)),
              {}, folder.string());
}

}  // namespace

std::vector<std::string> shard_names(const fs::path& index) {
  const Result<std::map<std::string, std::string>> shards = read_weight_index(index);
  std::set<std::string> names;
  if (shards)
    for (const auto& [tensor, shard] : *shards) names.insert(shard);
  return {names.begin(), names.end()};
}

Result<std::vector<WeightsPlace>> weights_in(const fs::path& folder) {
  const std::vector<fs::path> files = weight_files_in(folder);
  const std::vector<fs::path> indices = indices_in(folder);
  std::vector<WeightsPlace> places;
  std::set<fs::path> settled;  // files and indices that a decision was made about
  for (const Stem& stem : kStems) {
    const std::map<std::string, Saved> saved = saved_as(files, indices, stem.name);
    if (saved.empty()) continue;
    const auto plain = saved.find("");
    if (plain == saved.end() && saved.size() > 1) {
      std::vector<std::string> names;
      for (const auto& [variant, one] : saved) names.push_back(variant);
      return fail(ErrorCode::invalid_argument,
                  fmt::format("{}: the variants {} and no plain weights; keep one of them, or name "
                              "it in the configuration",
                              last_name(folder), join_words(names, ", ")),
                  {}, folder.string());
    }
    const Saved& taken = plain == saved.end() ? saved.begin()->second : plain->second;
    places.push_back(TRY(decide(folder, taken, stem)));
    for (const auto& [variant, one] : saved) settled.insert({one.whole, one.index});
  }
  for (const fs::path& index : indices) {
    for (const std::string& name : shard_names(index)) settled.insert(folder / name);
    if (!settled.contains(index)) places.push_back({index, false, {}});
  }
  for (const fs::path& file : files)
    if (!settled.contains(file)) places.push_back({file, false, {}});
  if (places.empty()) return nothing_in(folder);
  return places;
}

}  // namespace imagined::engine
