// The files of a model, found and known by what is in them, and the parts that are chosen of them.
//
// Where a model is not laid out as diffusers does, its parts are looked for (model_search.h). Of
// the files that hold the network and fit by its sizes the nearest is taken: the transformer's own
// file first, then its folder, then the folders above it. What is read beats what is in a type that
// is not; of two as near, plain numbers beat packed blocks. Two that even then are equal are a
// question to the user.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/file.h"
#include "base/result.h"
#include "engine/families/model_plan.h"
#include "engine/families/model_search.h"
#include "engine/families/pipeline_index.h"
#include "engine/formats/json.h"
#include "engine/formats/weight_source.h"
#include "engine/tokenizers/tokenizer_kind.h"

namespace imagined::engine {

/// What a family says about one part that it needs.
template <class Config>
struct PartRule {
  std::string_view part;  // "text_encoder"
  const NameTable& names;
  Result<Config> (*parse)(std::string_view json, std::string_view file);
  Result<Config> (*detect)(const WeightSource& weights);
  /// Whether a part with this configuration goes with those that were taken before.
  std::function<Result<>(const Config&)> fits;
};

class ModelFiles {
 public:
  /// Finds the transformer and decides the family. Errors: see open_model.
  static Result<ModelFiles> open(const std::filesystem::path& path, const ModelChoices& choices,
                                 std::span<const Family* const> families);

  const Family& family() const { return *family_; }
  /// A plan with everything that is known before any part's configuration: name, transformer,
  /// facts and who says so, text options.
  ModelPlan begin() const;

  /// The transformer's configuration: its config.json, or what its shapes say, made exact by a
  /// transformer/config.json in the neighbourhood that describes the same shapes.
  /// same   whether two configurations describe the same shapes.
  /// exact  whether shapes said everything that must be known.
  template <class Config>
  Result<Config> transformer_config(const PartRule<Config>& rule,
                                    bool (*same)(const Config&, const Config&)) const;

  /// Whether the index names a pipeline with references, or without an index the name has `word`.
  bool takes_references(std::string_view word) const;

  /// Whether an index says which pipeline the model is for.
  bool has_index() const { return index_.has_value(); }

  /// Chooses a part and adds it to the plan.
  template <class Config>
  Result<Config> take(const PartRule<Config>& rule, ModelPlan& plan);

  /// Chooses a tokenizer, behind the text encoder that it is for, and adds it to the plan: a
  /// folder, or where there is none the text encoder's own file.
  Result<> take_tokenizer(std::string_view part, TokenizerKind kind, ModelPlan& plan);

  /// scheduler/scheduler_config.json, which a complete folder must have.
  Result<> read_scheduler(ModelPlan& plan) const;
  /// sampling.json, where there is one. After the family's own defaults.
  Result<> read_sampling(ModelPlan& plan) const;

 private:
  /// A configuration file and what errors call it.
  struct ConfigText {
    std::string text;
    std::string file;
  };

  ModelFiles() = default;
  Result<> find_transformer(const std::filesystem::path& path,
                            std::span<const Family* const> families);
  Result<> read_own_index(std::span<const Family* const> families);
  Result<> decide_family(std::span<const Family* const> families);
  Result<> check_choices() const;
  Result<> check_folders() const;
  Result<PartCandidate> component(const std::filesystem::path& folder, const NameTable* names,
                                  std::string why) const;
  Result<PartCandidate> from_path(const std::filesystem::path& path, const NameTable* names) const;
  Result<std::vector<PartCandidate>> candidates(std::string_view part, const NameTable& names);
  /// The transformer among the files that lie anywhere in the folder that was given.
  Result<PartCandidate> only_transformer();
  Result<std::optional<ConfigText>> config_of(const PartCandidate& candidate,
                                              std::string_view part) const;
  Result<> take_tokenizer_folder(std::string_view part, TokenizerKind kind,
                                 const std::filesystem::path& folder, std::string why,
                                 ModelPlan& plan) const;
  /// False: there is none in the file.
  Result<bool> take_tokenizer_in(std::string_view part, TokenizerKind kind,
                                 const std::filesystem::path& file, std::string why,
                                 ModelPlan& plan) const;
  Result<WeightSource> source_of(const PartCandidate& candidate, const NameTable& names) const;
  /// The one of several candidates, of which `refusals` say why they do not fit, if they do not.
  Result<std::size_t> choose(std::string_view part, const NameTable& names,
                             std::span<const PartCandidate> list,
                             std::span<const std::optional<Error>> refusals, ModelPlan& plan) const;
  std::optional<std::filesystem::path> chosen(std::string_view part) const;
  template <class Config>
  Result<Config> read_config(const PartCandidate& candidate, const PartRule<Config>& rule) const;
  Error with_file(Error error, const PartCandidate& candidate) const;
  tl::unexpected<Error> no_axes(std::int64_t head_dim) const;

  std::filesystem::path root_;  // the folder that was given, or the file's
  std::string name_;
  ModelChoices choices_;
  std::vector<const NameTable*> transformers_;  // of all families
  bool complete_ = false;                       // root_ is laid out as diffusers does
  std::optional<PipelineIndex> index_;
  std::string index_name_;
  PartCandidate transformer_;
  const Family* family_ = nullptr;
  ModelSearch search_;
};

template <class Config>
Result<Config> ModelFiles::read_config(const PartCandidate& candidate,
                                       const PartRule<Config>& rule) const {
  const std::optional<ConfigText> stated = TRY(config_of(candidate, rule.part));
  if (stated) return rule.parse(stated->text, stated->file);
  const WeightSource source = TRY(source_of(candidate, rule.names));
  Result<Config> config = rule.detect(source);
  if (!config) return tl::unexpected(with_file(std::move(config.error()), candidate));
  return config;
}

template <class Config>
Result<Config> ModelFiles::transformer_config(const PartRule<Config>& rule,
                                              bool (*same)(const Config&, const Config&)) const {
  const Config config = TRY(read_config(transformer_, rule));
  if (!transformer_.folder.empty()) return config;
  if (const std::filesystem::path path = search_.near("transformer/config.json"); !path.empty()) {
    const std::string text = TRY(read_file(path, kMaxConfigBytes));
    const Config stated = TRY(rule.parse(text, "transformer/config.json"));
    if (same(stated, config)) return stated;
  }
  if (config.rope_axes.empty()) return no_axes(config.head_dim);
  return config;
}

template <class Config>
Result<Config> ModelFiles::take(const PartRule<Config>& rule, ModelPlan& plan) {
  const std::vector<PartCandidate> list = TRY(candidates(rule.part, rule.names));
  std::vector<Config> configs(list.size());
  std::vector<std::optional<Error>> refusals(list.size());
  for (std::size_t i = 0; i < list.size(); ++i) {
    Result<Config> config = read_config(list[i], rule);
    Result<> fits;
    if (config) {
      configs[i] = std::move(*config);
      fits = rule.fits(configs[i]);
    } else {
      fits = tl::unexpected(std::move(config.error()));
    }
    if (!fits) refusals[i] = std::move(fits.error());
  }
  return configs[TRY(choose(rule.part, rule.names, list, refusals, plan))];
}

}  // namespace imagined::engine
