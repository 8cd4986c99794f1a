#include "engine/families/model_search.h"

#include <algorithm>
#include <array>
#include <utility>

#include "base/file.h"
#include "base/text.h"
#include "engine/formats/component_folder.h"
#include "engine/formats/folder.h"

namespace imagined::engine {
namespace {

namespace fs = std::filesystem;

// Far above anyone's folder of models; a look into each file costs about a millisecond.
constexpr std::size_t kMaxFolders = 500;
constexpr std::size_t kMaxCandidates = 500;
constexpr int kMaxDepth = 5;

/// The folders in which people keep parts of models.
bool is_usual(const fs::path& folder) {
  constexpr std::array<std::string_view, 18> kUsual = {"transformer",
                                                       "diffusion_models",
                                                       "unet",
                                                       "checkpoints",
                                                       "stable-diffusion",
                                                       "text_encoder",
                                                       "text_encoder_2",
                                                       "clip",
                                                       "text_encoders",
                                                       "text-encoders",
                                                       "vae",
                                                       "ae",
                                                       "tokenizer",
                                                       "tokenizer_2",
                                                       "tokenizers",
                                                       "models",
                                                       "split_files",
                                                       "t5"};
  const std::string name = lower_name(folder);
  return std::find(kUsual.begin(), kUsual.end(), name) != kUsual.end();
}

/// Usual folders that may hold whole models. The others people sort as deep as they like.
bool is_container(const fs::path& folder) {
  const std::string name = lower_name(folder);
  return name == "models" || name == "split_files";
}

fs::path real_path(const fs::path& path) {
  std::error_code error;
  fs::path real = fs::canonical(path, error);
  return error ? path : real;
}

std::vector<fs::path> folders_in(const fs::path& folder) {
  std::vector<fs::path> found;
  std::error_code error;
  for (fs::directory_iterator entry(folder, error), end; !error && entry != end;
       entry.increment(error))
    if (!entry->path().filename().string().starts_with('.') && is_folder(entry->path()))
      found.push_back(entry->path());
  std::sort(found.begin(), found.end());
  return found;
}

}  // namespace

std::string lower_name(const fs::path& path) { return ascii_lower(last_name(path)); }

bool is_component(const fs::path& folder) {
  constexpr std::array<std::string_view, 4> kComponents = {"transformer", "text_encoder",
                                                           "text_encoder_2", "vae"};
  return std::find(kComponents.begin(), kComponents.end(), lower_name(folder)) !=
             kComponents.end() &&
         is_file(folder / "config.json");
}

ModelSearch::ModelSearch(std::vector<const NameTable*> tables) : tables_(std::move(tables)) {}

Result<std::shared_ptr<const WeightFiles>> ModelSearch::open(const fs::path& path) const {
  const fs::path key = real_path(path);
  const auto known = opened_.find(key);
  if (known != opened_.end()) return known->second;
  return opened_.emplace(key, WeightFiles::open(path, tables_)).first->second;
}

void ModelSearch::look_below(const fs::path& folder) {
  visit(folder, 0, is_usual(folder) && !is_container(folder), 0);
}

void ModelSearch::move_to(const fs::path& file, const std::optional<fs::path>& first) {
  found_.clear();
  places_.clear();
  unread_.clear();
  if (first) around_.push_back(fs::absolute(*first).lexically_normal());
  fs::path folder = fs::absolute(file).lexically_normal().parent_path();
  // What lies in diffusion_models/flux2/4b/ lies in diffusion_models/.
  fs::path usual = folder;
  for (int i = 0; i < kMaxDepth && (!is_usual(usual) || is_container(usual)); ++i)
    usual = usual.parent_path();
  bool inside = is_usual(usual) && !is_container(usual);
  for (bool own = true;; own = false) {
    around_.push_back(folder);
    inside = inside && folder != usual;
    const bool goes_on = own || inside || is_usual(folder);
    if (folder == folder.parent_path() || !goes_on) return;
    folder = folder.parent_path();
  }
}

void ModelSearch::look_around() {
  if (has_looked_) return;
  has_looked_ = true;
  int level = 0;
  for (const fs::path& folder : around_) visit(folder, level++, is_usual(folder), 0);
}

void ModelSearch::visit(const fs::path& folder, int level, bool usual, int depth) {
  const fs::path real = real_path(folder);
  const bool seen = std::any_of(places_.begin(), places_.end(), [&](const Place& place) {
    return real_path(place.folder) == real;
  });
  if (seen || places_.size() >= kMaxFolders) return;
  places_.push_back({folder, level});
  if (Result<std::vector<WeightsPlace>> places = weights_in(folder)) {
    for (const WeightsPlace& place : *places) {
      if (found_.size() >= kMaxCandidates) break;
      Result<std::shared_ptr<const WeightFiles>> weights = open(place.path);
      if (!weights) {
        unread_.push_back(std::move(weights.error().message));
        continue;
      }
      PartCandidate candidate{.weights = std::move(*weights), .folder = {}, .level = level};
      candidate.note = place.note;
      if (is_component(folder)) candidate.folder = folder;
      found_.push_back(std::move(candidate));
    }
  } else if (places.error().code != ErrorCode::not_found) {
    unread_.push_back(std::move(places.error().message));
  }
  if (depth == kMaxDepth) return;
  const bool sorted = usual && !is_container(folder);
  for (const fs::path& inner : folders_in(folder)) {
    const bool inner_usual = is_usual(inner) || sorted;
    if (inner_usual || usual) visit(inner, level, inner_usual, depth + 1);
  }
}

fs::path ModelSearch::near(const fs::path& name) const {
  for (const fs::path& folder : around_)
    if (is_file(folder / name)) return folder / name;
  return {};
}

}  // namespace imagined::engine
