#include "engine/families/model_files.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <tuple>

#include "engine/families/family.h"
#include "engine/families/gguf_tokenizer.h"
#include "engine/families/name_words.h"
#include "engine/families/other_files.h"
#include "engine/formats/component_folder.h"
#include "engine/formats/folder.h"
#include "engine/formats/in_quotes.h"
#include "engine/tokenizers/chat_template.h"

namespace imagined::engine {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kTransformer = "transformer";
constexpr std::string_view kNamed = "named by the configuration";
constexpr std::array<std::string_view, 2> kIndexNames = {"model_index.json",
                                                         "modular_model_index.json"};

/// "vae/ae.safetensors": enough to tell two files apart.
std::string shown(const fs::path& file) {
  return fmt::format("{}/{}", last_name(file.parent_path()), file.filename().string());
}

tl::unexpected<Error> refuse(std::string message, const fs::path& path) {
  return fail(ErrorCode::invalid_argument, std::move(message), {}, path.string());
}

const NetworkTensors* first_of(const Contents& contents, std::span<const NameTable* const> tables) {
  for (const NameTable* table : tables)
    if (const NetworkTensors* found = contents.find(*table)) return found;
  return nullptr;
}

/// How good a candidate is beside its nearness; less is better.
struct Form {
  bool unread = false;    // some tensor is in a type that is not read
  bool relative = false;  // see NameTable::relatives
  bool packed = false;    // in blocks, or with factors
};

Form form_of(const NetworkTensors& network) {
  Form form;
  for (const FileTensor* tensor : network.tensors) {
    if (tensor->elements() > 0 && !tensor->is_readable()) form.unread = true;
    if (tensor->type != nullptr && tensor->type->dtype == DType::other) form.packed = true;
  }
  for (const std::string_view relative : network.table->relatives)
    if (network.prefix.find(relative) != std::string::npos) form.relative = true;
  return form;
}

auto rank(int level, const Form& form) {
  return std::tuple(form.unread, form.relative, level, form.packed);
}

/// Why the loser of two ranks lost.
std::string_view handicap(int level, const Form& form, int best_level, const Form& best) {
  if (form.unread && !best.unread) return "in a type that is not read";
  if (form.relative && !best.relative) return "part of a larger model of other weights";
  if (level > best_level) return "farther away";
  return "packed in blocks";
}

std::string joined(std::span<const std::string> items) {
  constexpr std::size_t kShown = 4;
  std::string text;
  for (std::size_t i = 0; i < std::min(items.size(), kShown); ++i)
    text += (i == 0 ? "" : "; ") + items[i];
  if (items.size() > kShown) text += fmt::format("; and {} more", items.size() - kShown);
  return text;
}

/// What is said of files that a part was taken from and that hold more than is known.
void note_strays(const WeightFiles& files, std::vector<std::string>& notes) {
  const std::vector<std::string>& strays = files.contents().strays;
  if (strays.empty()) return;
  const bool one = strays.size() == 1;
  std::string note = fmt::format(
      "{}: {} {} to nothing that is known and {} not read: {}{}", files.path().filename().string(),
      strays.size(), one ? "tensor belongs" : "tensors belong", one ? "is" : "are",
      in_quotes(strays.front()),
      one ? "" : fmt::format(", {}{}", in_quotes(strays[1]), strays.size() > 2 ? ", ..." : ""));
  if (std::find(notes.begin(), notes.end(), note) == notes.end()) notes.push_back(std::move(note));
}

}  // namespace

// ---- finding the transformer --------------------------------------------------------------------

Result<ModelFiles> ModelFiles::open(const fs::path& path, const ModelChoices& choices,
                                    std::span<const Family* const> families) {
  std::error_code ignored;
  if (!fs::exists(path, ignored))
    return fail(ErrorCode::not_found, fmt::format("{}: no such file or folder", last_name(path)),
                {}, path.string());
  ModelFiles files;
  files.choices_ = choices;
  std::vector<const NameTable*> tables;
  for (const Family* family : families) {
    const std::vector<const NameTable*> networks = family->networks();
    files.transformers_.push_back(networks.front());
    for (const NameTable* table : networks)
      if (std::find(tables.begin(), tables.end(), table) == tables.end()) tables.push_back(table);
  }
  files.search_ = ModelSearch(std::move(tables));
  const bool is_index = std::find(kIndexNames.begin(), kIndexNames.end(),
                                  path.filename().string()) != kIndexNames.end();
  TRY(files.find_transformer(is_index ? fs::absolute(path).parent_path() : path, families));
  TRY(files.decide_family(families));
  TRY(files.check_choices());
  return files;
}

Result<> ModelFiles::find_transformer(const fs::path& path,
                                      std::span<const Family* const> families) {
  const std::optional<fs::path> named = chosen(kTransformer);
  root_ = is_folder(path) ? path : fs::absolute(path).parent_path();
  name_ = is_folder(path) ? last_name(path) : path.stem().string();
  if (is_folder(path)) TRY(read_own_index(families));
  if (named) {
    transformer_ = TRY(from_path(*named, nullptr));
    if (!complete_) name_ = named->stem().string();
  } else if (!is_folder(path)) {
    transformer_ = {.weights = TRY(search_.open(path)), .folder = {}, .why = "the file given"};
  } else if (complete_) {
    transformer_ = TRY(component(root_ / kTransformer, nullptr, index_name_));
  } else {
    transformer_ = TRY(only_transformer());
    name_ = transformer_.weights->path().stem().string();
  }
  search_.move_to(transformer_.weights->path(), named ? std::optional(root_) : std::nullopt);
  return {};
}

/// The index of the folder that was given, and whether its transformer lies where the index says:
/// a folder whose transformer/ was left out may hold it as a single file.
Result<> ModelFiles::read_own_index(std::span<const Family* const> families) {
  for (const std::string_view name : kIndexNames)
    if (index_name_.empty() && is_file(root_ / name)) index_name_ = name;
  if (index_name_.empty()) return {};
  const std::string text = TRY(read_file(root_ / index_name_, kMaxConfigBytes));
  index_ = TRY(parse_pipeline_index(text, index_name_, families));
  const Result<std::vector<WeightsPlace>> weights = weights_in(root_ / kTransformer);
  complete_ = chosen(kTransformer) || weights || weights.error().code != ErrorCode::not_found ||
              !only_transformer();
  return complete_ ? check_folders() : Result<>();
}

Result<PartCandidate> ModelFiles::only_transformer() {
  search_.look_below(root_);
  std::vector<PartCandidate> list;
  std::vector<std::optional<Error>> none;
  const NameTable* table = nullptr;
  for (const PartCandidate& candidate : search_.found()) {
    const NetworkTensors* network = first_of(candidate.weights->contents(), transformers_);
    if (network == nullptr) continue;
    list.push_back(candidate);
    none.emplace_back();
    table = network->table;
  }
  if (list.size() == 1) {
    list.front().why = "the only transformer here";
    return list.front();
  }
  if (list.size() > 1) {
    ModelPlan scratch;
    const std::size_t best = TRY(choose(kTransformer, *table, list, none, scratch));
    list[best].why = scratch.parts.front().why;
    return list[best];
  }
  if (search_.found().size() == 1 && search_.unread().empty())
    return fail(ErrorCode::unimplemented,
                fmt::format("{}: {}", search_.found().front().weights->path().filename().string(),
                            what_it_is(*search_.found().front().weights)),
                {}, root_.string());
  if (search_.found().empty() && search_.unread().empty())
    return missing(root_, "model_index.json");
  std::vector<std::string> seen = search_.unread();
  for (const PartCandidate& candidate : search_.found())
    seen.push_back(fmt::format("{}: {}", candidate.weights->path().filename().string(),
                               what_it_is(*candidate.weights)));
  return fail(ErrorCode::not_found,
              fmt::format("{}: neither model_index.json nor a file with a transformer ({})",
                          last_name(root_), joined(seen)),
              {}, root_.string());
}

Result<> ModelFiles::decide_family(std::span<const Family* const> families) {
  for (const Family* family : families)
    if (family_ == nullptr && family->owns(*transformer_.weights)) family_ = family;
  const std::string file = transformer_.weights->path().filename().string();
  if (family_ == nullptr)
    return fail(ErrorCode::unimplemented,
                fmt::format("{}: {}; a transformer is needed here", file,
                            what_it_is(*transformer_.weights)),
                {}, transformer_.weights->path().string());
  if (complete_ && index_->family != family_)
    return refuse(fmt::format("{}: the pipeline is one of {}, but {} is {}", index_name_,
                              index_->family->name, file, what_it_is(*transformer_.weights)),
                  transformer_.weights->path());
  if (index_ && index_->family != family_) index_.reset();
  if (!index_ && !complete_) {
    for (const std::string_view name : kIndexNames) {
      const fs::path path = search_.near(name);
      if (path.empty()) continue;
      const std::string text = TRY(read_file(path, kMaxConfigBytes));
      Result<PipelineIndex> index = parse_pipeline_index(text, name, families);
      // Around a single file another model's folder may lie.
      if (!index && index.error().code != ErrorCode::unimplemented)
        return tl::unexpected(std::move(index.error()));
      if (!index || index->family != family_) continue;
      index_ = std::move(*index);
      index_name_ = name;
      break;
    }
  }
  const std::optional<ConfigText> config = TRY(config_of(transformer_, kTransformer));
  return refuse_other_forms(*transformer_.weights, config ? config->text : std::string());
}

Result<> ModelFiles::check_choices() const {
  std::string known(kTransformer);
  for (const PipelineComponent& component : family_->components)
    if (component.key != std::string_view("scheduler") && component.key != kTransformer)
      known += fmt::format(", {}", component.key);
  for (const auto& [part, path] : choices_.parts) {
    const bool is_part =
        part != "scheduler" &&
        std::any_of(family_->components.begin(), family_->components.end(),
                    [&](const PipelineComponent& component) { return component.key == part; });
    if (!is_part)
      return fail(
          ErrorCode::invalid_argument,
          fmt::format("{}: a model of {} has no such part, only {}", part, family_->name, known),
          part);
  }
  return {};
}

/// The folders of a complete model, in the order in which their absence is told.
Result<> ModelFiles::check_folders() const {
  const auto folder_is_there = [&](std::string_view part) -> Result<> {
    if (chosen(part) || is_folder(root_ / part)) return {};
    return missing(root_, fmt::format("{}/", part));
  };
  TRY(folder_is_there(kTransformer));
  for (const PipelineComponent& component : index_->family->components) {
    const std::string_view part = component.key;
    // A tokenizer may be in the text encoder's file.
    if (part != "scheduler" && !part.starts_with("tokenizer")) TRY(folder_is_there(part));
  }
  return folder_is_there("scheduler");
}

bool ModelFiles::takes_references(std::string_view word) const {
  return index_ ? index_->takes_references : is_named(transformer_.weights->path(), word);
}

ModelPlan ModelFiles::begin() const {
  ModelPlan plan;
  plan.name = name_;
  plan.family = family_;
  plan.parts.push_back({.name = std::string(kTransformer),
                        .path = transformer_.weights->path(),
                        .why = transformer_.why,
                        .weights = transformer_.weights});
  if (!transformer_.note.empty()) plan.notes.push_back(transformer_.note);
  note_strays(*transformer_.weights, plan.notes);
  const fs::path& file = transformer_.weights->path();
  const auto state = [&](const std::optional<bool>& choice, bool by_index, std::string_view word,
                         bool with_word) -> Statement {
    if (choice) return {*choice, std::string(kByConfiguration)};
    if (index_) return {by_index, index_name_};
    if (is_named(file, word)) return {with_word, fmt::format("the word \"{}\" in the name", word)};
    return {!with_word, fmt::format("no word \"{}\" in the name", word)};
  };
  plan.distilled = state(choices_.distilled, index_ && index_->distilled, "base", false);
  plan.cached_references =
      state(choices_.cached_references, index_ && index_->cached_references, "kv", true);
  if (index_) plan.text = index_->text;
  if (index_) plan.max_references = index_->max_references.value_or(plan.max_references);
  return plan;
}

// ---- looking at files ---------------------------------------------------------------------------

Result<PartCandidate> ModelFiles::component(const fs::path& folder, const NameTable* names,
                                            std::string why) const {
  const std::vector<WeightsPlace> places = TRY(weights_in(folder));
  std::vector<PartCandidate> holding;
  for (const WeightsPlace& place : places) {
    Result<std::shared_ptr<const WeightFiles>> weights = search_.open(place.path);
    if (!weights && (place.standard || places.size() == 1))
      return tl::unexpected(std::move(weights.error()));
    if (!weights) continue;
    PartCandidate candidate{.weights = std::move(*weights), .folder = folder, .why = why};
    candidate.note = place.note;
    // Nothing else is asked for, so that errors are about the file that should have been it.
    if (place.standard || places.size() == 1) return candidate;
    const Contents& contents = candidate.weights->contents();
    const bool holds = names != nullptr ? contents.find(*names) != nullptr
                                        : first_of(contents, transformers_) != nullptr;
    if (holds) holding.push_back(std::move(candidate));
  }
  if (holding.size() == 1) return holding.front();
  std::vector<std::string> files;
  for (const WeightsPlace& place : places) files.push_back(place.path.filename().string());
  return refuse(fmt::format("{}: {} weight files and no index that joins them ({}); keep one, or "
                            "name it in the configuration",
                            last_name(folder), places.size(), joined(files)),
                folder);
}

/// What the configuration names: a folder, an index or a file.
Result<PartCandidate> ModelFiles::from_path(const fs::path& path, const NameTable* names) const {
  if (is_folder(path)) return component(path, names, std::string(kNamed));
  PartCandidate candidate{
      .weights = TRY(search_.open(path)), .folder = {}, .why = std::string(kNamed)};
  const fs::path folder = fs::absolute(path).parent_path();
  if (is_component(folder)) candidate.folder = folder;
  return candidate;
}

// ---- choosing parts -----------------------------------------------------------------------------

std::optional<fs::path> ModelFiles::chosen(std::string_view part) const {
  const auto found = choices_.parts.find(part);
  return found == choices_.parts.end() ? std::nullopt : std::optional(found->second);
}

Result<std::vector<PartCandidate>> ModelFiles::candidates(std::string_view part,
                                                          const NameTable& names) {
  if (const std::optional<fs::path> path = chosen(part)) {
    Result<PartCandidate> named = from_path(*path, &names);
    if (named && named->weights->contents().find(names) == nullptr)
      return fail(ErrorCode::invalid_argument,
                  fmt::format("{}: {} is {}; {} is needed", part, path->filename().string(),
                              what_it_is(*named->weights), names.what),
                  std::string(part), path->string());
    if (!named) {
      named.error().message = fmt::format("{}: {}", part, named.error().message);
      return tl::unexpected(std::move(named.error()));
    }
    return std::vector{std::move(*named)};
  }
  if (complete_) return std::vector{TRY(component(root_ / part, &names, index_name_))};
  if (transformer_.weights->contents().find(names) != nullptr)
    return std::vector{PartCandidate{
        .weights = transformer_.weights, .folder = {}, .why = "inside the transformer's file"}};
  search_.look_around();
  std::vector<PartCandidate> list;
  for (const PartCandidate& candidate : search_.found()) {
    const auto is_same = [&](const PartCandidate& other) {  // a link to it
      std::error_code ignored;
      return fs::equivalent(other.weights->path(), candidate.weights->path(), ignored);
    };
    if (candidate.weights->contents().find(names) != nullptr &&
        first_of(candidate.weights->contents(), transformers_) == nullptr &&
        std::none_of(list.begin(), list.end(), is_same))
      list.push_back(candidate);
  }
  if (!list.empty()) return list;
  std::string message =
      fmt::format("{}: {} beside it is missing ({}/ or a file of any name)",
                  transformer_.weights->path().filename().string(), names.what, part);
  if (!search_.unread().empty()) message += fmt::format("; not read: {}", joined(search_.unread()));
  return fail(ErrorCode::not_found, std::move(message), {}, transformer_.weights->path().string());
}

Result<std::size_t> ModelFiles::choose(std::string_view part, const NameTable& names,
                                       std::span<const PartCandidate> list,
                                       std::span<const std::optional<Error>> refusals,
                                       ModelPlan& plan) const {
  const auto form = [&](std::size_t i) {
    const Contents& contents = list[i].weights->contents();
    const NetworkTensors* network = contents.find(names);
    if (network == nullptr) network = first_of(contents, transformers_);
    return network == nullptr ? Form() : form_of(*network);
  };
  std::optional<std::size_t> best;
  std::vector<std::size_t> equals;  // as good as the best one
  for (std::size_t i = 0; i < list.size(); ++i) {
    if (refusals[i]) continue;
    if (best && rank(list[*best].level, form(*best)) < rank(list[i].level, form(i))) continue;
    if (!best || rank(list[i].level, form(i)) < rank(list[*best].level, form(*best)))
      equals.clear();
    if (equals.empty()) best = i;
    equals.push_back(i);
  }
  if (!best && list.size() == 1) return tl::unexpected(*refusals.front());
  if (!best) {
    std::vector<std::string> reasons;
    for (std::size_t i = 0; i < list.size(); ++i)
      reasons.push_back(
          fmt::format("{}: {}", shown(list[i].weights->path()), refusals[i]->message));
    return refuse(fmt::format("{}: none of {} files with {} fits: {}", part, list.size(),
                              names.what, joined(reasons)),
                  root_);
  }
  if (equals.size() > 1) {
    std::vector<std::string> files;
    for (const std::size_t i : equals) files.push_back(shown(list[i].weights->path()));
    return fail(ErrorCode::invalid_argument,
                fmt::format("{0}: {1} files with {2} fit and nothing tells them apart ({3}); name "
                            "the right one in the configuration: {0} = \"...\"",
                            part, files.size(), names.what, joined(files)),
                std::string(part), root_.string());
  }
  const PartCandidate& taken = list[*best];
  const std::optional<ConfigText> config = TRY(config_of(taken, part));
  TRY(refuse_other_forms(*taken.weights, config ? config->text : std::string()));
  ModelPart chosen_part{.name = std::string(part),
                        .path = taken.weights->path(),
                        .why = taken.why,
                        .weights = taken.weights};
  if (chosen_part.why.empty()) {
    std::vector<std::string> others;
    for (std::size_t i = 0; i < list.size(); ++i) {
      if (i == *best) continue;
      const std::string reason =
          refusals[i] ? refusals[i]->message
                      : std::string(handicap(list[i].level, form(i), taken.level, form(*best)));
      others.push_back(fmt::format("{}: {}", shown(list[i].weights->path()), reason));
    }
    chosen_part.why = others.empty() ? fmt::format("the only file here with {}", names.what)
                                     : fmt::format("fits; passed over: {}", joined(others));
  }
  plan.parts.push_back(std::move(chosen_part));
  if (!taken.note.empty()) plan.notes.push_back(taken.note);
  if (form(*best).relative)
    plan.notes.push_back(
        fmt::format("{}: {} is part of a larger model, whose weights may be "
                    "others than this model was trained with",
                    part, taken.weights->path().filename().string()));
  note_strays(*taken.weights, plan.notes);
  return *best;
}

namespace {

void add_tokenizer(std::string_view part, const fs::path& place, std::string why,
                   const std::optional<PromptFrame>& frame, ModelPlan& plan) {
  if (std::string note = frame ? frame_note(*frame) : std::string(); !note.empty())
    plan.notes.push_back(std::move(note));
  plan.parts.push_back(
      {.name = std::string(part), .path = place, .why = std::move(why), .weights = nullptr});
}

/// "text_encoder_2" for "tokenizer_2".
std::string encoder_of(std::string_view tokenizer) {
  constexpr std::string_view kTokenizer = "tokenizer";
  return fmt::format("text_encoder{}", tokenizer.substr(kTokenizer.size()));
}

}  // namespace

Result<> ModelFiles::take_tokenizer_folder(std::string_view part, TokenizerKind kind,
                                           const fs::path& folder, std::string why,
                                           ModelPlan& plan) const {
  std::optional<PromptFrame> frame;
  if (kind == TokenizerKind::qwen) frame = TRY(load_prompt_frame(folder));
  add_tokenizer(part, folder, std::move(why), frame, plan);
  return {};
}

Result<bool> ModelFiles::take_tokenizer_in(std::string_view part, TokenizerKind kind,
                                           const fs::path& file, std::string why,
                                           ModelPlan& plan) const {
  if (kind == TokenizerKind::t5 && holds_spiece_model(file)) {
    add_tokenizer(part, file, std::move(why), std::nullopt, plan);
    return true;
  }
  const std::optional<ListedVocabulary> vocabulary = TRY(read_listed_vocabulary(file));
  if (!vocabulary) return false;
  const std::optional<TokenizerKind> found = kind_of(*vocabulary);
  if (found != kind)
    return fail(
        found ? ErrorCode::invalid_argument : ErrorCode::unimplemented,
        fmt::format("{}: the tokenizer in it is {} ({} {}); {} is needed", file.filename().string(),
                    found ? tokenizer_name(*found) : "one that is not known",
                    in_quotes(vocabulary->model), in_quotes(vocabulary->pre), tokenizer_name(kind)),
        std::string(part), file.string());
  std::optional<PromptFrame> frame;
  if (kind == TokenizerKind::qwen)
    frame = TRY(read_prompt_frame(
        {.config = {}, .jinja = vocabulary->chat_template, .json = std::nullopt}));
  add_tokenizer(part, file, std::move(why), frame, plan);
  return true;
}

Result<> ModelFiles::take_tokenizer(std::string_view part, TokenizerKind kind, ModelPlan& plan) {
  if (const std::optional<fs::path> path = chosen(part)) {
    if (TRY(take_tokenizer_in(part, kind, *path, std::string(kNamed), plan))) return {};
    const fs::path folder = is_folder(*path) ? *path : path->parent_path();
    const std::optional<TokenizerKind> found = tokenizer_kind(folder);
    if (found == kind) return take_tokenizer_folder(part, kind, folder, std::string(kNamed), plan);
    return fail(found ? ErrorCode::invalid_argument : ErrorCode::not_found,
                fmt::format("{}: {} holds {}; {} is needed", part, last_name(folder),
                            found ? tokenizer_name(*found) : "no tokenizer", tokenizer_name(kind)),
                std::string(part), path->string());
  }
  const auto in_encoder = [&]() -> Result<bool> {
    const ModelPart& encoder = plan.part(encoder_of(part));
    return take_tokenizer_in(part, kind, encoder.path, "no other lies beside the text encoder",
                             plan);
  };
  if (complete_) {
    for (const fs::path& folder : {root_ / part, root_})
      if (tokenizer_kind(folder) == kind)
        return take_tokenizer_folder(part, kind, folder, index_name_, plan);
    if (const std::optional<TokenizerKind> other = tokenizer_kind(root_ / part))
      return refuse(
          fmt::format("{}/: {}; {} is needed", part, tokenizer_name(*other), tokenizer_name(kind)),
          root_);
    if (TRY(in_encoder())) return {};
    return missing(root_,
                   fmt::format("{}/{}", part, is_folder(root_ / part) ? "tokenizer.json" : ""));
  }
  search_.look_around();
  const ModelSearch::Place* best = nullptr;
  const auto rank_of = [&](const ModelSearch::Place& place) {
    const std::string name = lower_name(place.folder);
    return std::tuple(place.level, name != part, !name.starts_with("tokenizer"));
  };
  for (const ModelSearch::Place& place : search_.places())
    if (tokenizer_kind(place.folder) == kind &&
        (best == nullptr || rank_of(place) < rank_of(*best)))
      best = &place;
  if (best != nullptr)
    return take_tokenizer_folder(part, kind, best->folder,
                                 fmt::format("the nearest folder with {}", tokenizer_name(kind)),
                                 plan);
  if (TRY(in_encoder())) return {};
  return missing(transformer_.weights->path(),
                 fmt::format("{} beside it ({}/ with tokenizer.json)", tokenizer_name(kind), part));
}

// ---- configurations -----------------------------------------------------------------------------

Result<std::optional<ModelFiles::ConfigText>> ModelFiles::config_of(const PartCandidate& candidate,
                                                                    std::string_view part) const {
  if (candidate.folder.empty()) return std::nullopt;
  const fs::path path = candidate.folder / "config.json";
  if (!is_file(path)) {
    if (complete_ && candidate.folder == root_ / part)
      return missing(root_, fmt::format("{}/config.json", part));
    return std::nullopt;
  }
  return ConfigText{.text = TRY(read_file(path, kMaxConfigBytes)),
                    .file = fmt::format("{}/config.json", last_name(candidate.folder))};
}

Result<WeightSource> ModelFiles::source_of(const PartCandidate& candidate,
                                           const NameTable& names) const {
  const NetworkTensors* network = candidate.weights->contents().find(names);
  if (network == nullptr)
    return refuse(fmt::format("{}: {}; {} is needed", candidate.weights->path().filename().string(),
                              what_it_is(*candidate.weights), names.what),
                  candidate.weights->path());
  return WeightSource::make(candidate.weights, *network);
}

Error ModelFiles::with_file(Error error, const PartCandidate& candidate) const {
  error.message =
      fmt::format("{}: {}", candidate.weights->path().filename().string(), error.message);
  return error;
}

tl::unexpected<Error> ModelFiles::no_axes(std::int64_t head_dim) const {
  return refuse(
      fmt::format("{}: no tensor tells how heads of width {} are shared among the RoPE axes; "
                  "transformer/config.json beside the file would",
                  transformer_.weights->path().filename().string(), head_dim),
      transformer_.weights->path());
}

Result<> ModelFiles::read_scheduler(ModelPlan& plan) const {
  constexpr std::string_view kFile = "scheduler/scheduler_config.json";
  const fs::path path = complete_ ? root_ / kFile : search_.near(kFile);
  if (complete_ && !is_file(path)) return missing(root_, kFile);
  if (path.empty()) return {};
  const std::string text = TRY(read_file(path, kMaxConfigBytes));
  const auto has = [](const PipelineComponent& part, std::string_view scheduler) {
    return part.key == std::string_view("scheduler") &&
           std::ranges::find(part.classes, scheduler) != part.classes.end();
  };
  const bool takes_unipc = std::ranges::any_of(
      family_->components, [&](const PipelineComponent& part) { return has(part, kUniPcClass); });
  plan.scheduler = TRY(parse_scheduler_config(text, kFile, takes_unipc));
  return {};
}

Result<> ModelFiles::read_sampling(ModelPlan& plan) const {
  const fs::path path = complete_ ? root_ / "sampling.json" : search_.near("sampling.json");
  if (path.empty() || !is_file(path)) return {};
  const std::string text = TRY(read_file(path, kMaxConfigBytes));
  return parse_sampling(text, plan.pixels_per_token, plan.sampling, plan.card);
}

}  // namespace imagined::engine
