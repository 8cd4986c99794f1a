// Files that may be parts of a model, where people keep them.
//
// All weight files in the folders that people use for them (transformer, diffusion_models, unet,
// checkpoints, text_encoder, text_encoder_2, text_encoders, clip, vae, tokenizer, tokenizer_2,
// models, split_files; in any case, and in the folders that they are sorted into, of models and
// split_files one deeper) are opened and known by their tensors, never by their names.
#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "engine/formats/name_table.h"
#include "engine/formats/weight_files.h"

namespace imagined::engine {

/// Files that may be a part.
struct PartCandidate {
  std::shared_ptr<const WeightFiles> weights;
  std::filesystem::path folder;  // whose config.json describes it; empty: none does
  int level = 0;                 // how far from the transformer's file
  std::string why;               // where there was no choice
  std::string note;
};

class ModelSearch {
 public:
  struct Place {
    std::filesystem::path folder;
    int level = 0;
  };

  ModelSearch() = default;
  /// `tables`: the networks that files are known by.
  explicit ModelSearch(std::vector<const NameTable*> tables);

  /// Every file is opened once, however often it is looked at.
  Result<std::shared_ptr<const WeightFiles>> open(const std::filesystem::path& path) const;

  /// Looks for files anywhere in a folder, as far as people sort them.
  void look_below(const std::filesystem::path& folder);

  /// Forgets what was seen and stands at the transformer's file: in the folder `first`, then in the
  /// file's, the one above, and on as long as they have usual names.
  void move_to(const std::filesystem::path& file,
               const std::optional<std::filesystem::path>& first);
  /// Looks for files in all these folders, once.
  void look_around();
  /// A file by its name in one of these folders; empty where there is none.
  std::filesystem::path near(const std::filesystem::path& name) const;

  /// What has been seen: folders, files, and why some could not be opened.
  const std::vector<Place>& places() const { return places_; }
  const std::vector<PartCandidate>& found() const { return found_; }
  const std::vector<std::string>& unread() const { return unread_; }

 private:
  void visit(const std::filesystem::path& folder, int level, bool usual, int depth);

  std::vector<const NameTable*> tables_;
  std::vector<std::filesystem::path> around_;
  bool has_looked_ = false;
  std::vector<Place> places_;
  std::vector<PartCandidate> found_;
  std::vector<std::string> unread_;
  mutable std::map<std::filesystem::path, Result<std::shared_ptr<const WeightFiles>>> opened_;
};

/// Whether the config.json of a folder describes the weights in it.
bool is_component(const std::filesystem::path& folder);

/// The last part of a path in small letters.
std::string lower_name(const std::filesystem::path& path);

}  // namespace imagined::engine
