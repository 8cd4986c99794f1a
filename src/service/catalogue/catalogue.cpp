#include "service/catalogue/catalogue.h"

#include <fmt/core.h>

#include <algorithm>
#include <set>
#include <utility>

#include "base/crypto.h"
#include "base/json_text.h"
#include "base/nearest.h"
#include "base/words.h"

namespace imagined::service {
namespace {

constexpr std::size_t kNameBytesMax = 256;

bool matches(const RetiredName& retired, std::string_view name) {
  const std::string_view pattern = retired.name;
  if (!pattern.ends_with('*')) return pattern == name;
  return name.starts_with(pattern.substr(0, pattern.size() - 1));
}

Result<void> check_names(const std::vector<Model>& models) {
  std::set<std::string_view> seen;
  const auto add = [&seen](std::string_view name) -> Result<void> {
    if (name.empty()) return fail(ErrorCode::invalid_argument, "a model has an empty name");
    if (name.size() > kNameBytesMax)
      return fail(ErrorCode::invalid_argument,
                  fmt::format("the model name \"{}...\" has {} bytes, at most {} are allowed",
                              name.substr(0, 40), name.size(), kNameBytesMax));
    const auto is_plain = [](char c) { return c > 0x20 && c != 0x7F; };
    if (!std::ranges::all_of(name, is_plain))  // names travel in lines and lists
      return fail(
          ErrorCode::invalid_argument,
          fmt::format("the model name \"{}\" has a space or a character beyond ASCII", name));
    if (!seen.insert(name).second)
      return fail(ErrorCode::invalid_argument,
                  fmt::format("two models are named \"{}\"; it may be one of the other names "
                              "(aliases) of one of them",
                              name));
    return {};
  };
  for (const Model& model : models) {
    TRY(add(model.id));
    for (const std::string& alias : model.aliases) TRY(add(alias));
  }
  return {};
}

Result<void> check_length(std::string_view name) {
  if (name.size() <= kNameBytesMax) return {};
  return fail(ErrorCode::invalid_argument,
              fmt::format("model has {} bytes, at most {} are allowed", name.size(), kNameBytesMax),
              "model");
}

/// Where to ask what was asked at a place that makes pictures or videos.
tl::unexpected<Error> talks(const Talker& talker) {
  std::string message = fmt::format(
      "the model \"{}\" talks and is asked at /v1/chat/completions or /v1/responses", talker.name);
  if (!talker.makes.empty())
    message +=
        fmt::format("; its pictures are made by \"{}\", which may be asked for here", talker.makes);
  return fail(ErrorCode::not_found, std::move(message), "model");
}

/// `names`: all that may have been meant.
tl::unexpected<Error> unknown(std::string_view name, const std::vector<std::string>& offered,
                              const std::vector<std::string_view>& names) {
  return fail(ErrorCode::not_found,
              fmt::format("the model \"{}\" does not exist; this server has {}{}", name,
                          join_words(offered, ", "), did_you_mean(name, names)),
              "model");
}

}  // namespace

Result<Catalogue> Catalogue::make(std::vector<Model> models, std::vector<RetiredName> retired,
                                  std::vector<Talker> talkers) {
  if (models.empty()) return fail(ErrorCode::invalid_argument, "no model is configured");
  TRY(check_names(models));
  Catalogue catalogue;
  catalogue.models_ = std::move(models);
  for (Model& model : catalogue.models_)
    if (model.weights.empty()) model.weights = model.path;
  for (const RetiredName& each : retired) {
    if (catalogue.find(each.replacement) == nullptr)
      return fail(ErrorCode::invalid_argument,
                  fmt::format("the retired name \"{}\" points to \"{}\", which is not served",
                              each.name, each.replacement));
  }
  catalogue.retired_ = std::move(retired);
  std::erase_if(talkers, [&catalogue](const Talker& talker) {
    return catalogue.find(talker.name) != nullptr;
  });
  catalogue.talkers_ = std::move(talkers);
  return catalogue;
}

const Model& default_of(std::span<const Model> models) {
  const auto is_usual = [](const Model& model) { return model.makes != Makes::videos; };
  const auto found = std::ranges::find_if(models, is_usual);
  return found != models.end() ? *found : models.front();
}

const Model* Catalogue::find(std::string_view name) const {
  for (const Model& model : models_) {
    if (model.id == name || std::ranges::find(model.aliases, name) != model.aliases.end())
      return &model;
  }
  return nullptr;
}

std::optional<std::string_view> Catalogue::deprecated(std::string_view name) const {
  if (find(name) != nullptr) return std::nullopt;
  for (const RetiredName& each : retired_)
    if (matches(each, name)) return each.replacement;
  return std::nullopt;
}

Result<const Model*> Catalogue::resolve(std::string_view name) const {
  TRY(check_length(name));
  if (const Model* model = find(name)) return model;
  if (const auto talker = std::ranges::find(talkers_, name, &Talker::name);
      talker != talkers_.end())
    return talks(*talker);
  if (const auto replacement = deprecated(name))
    return fail(ErrorCode::not_found,
                fmt::format("the model \"{}\" is deprecated and no longer served; use \"{}\" "
                            "instead",
                            name, *replacement),
                "model");
  std::vector<std::string> served;
  for (const Model& model : models_) served.push_back(model.id);
  return unknown(name, served, names());
}

Result<std::string> Catalogue::id_of(std::string_view name) const {
  TRY(check_length(name));
  if (const Model* model = find(name)) return model->id;
  std::vector<std::string> offered;
  for (const Model& each : models_) offered.push_back(each.id);
  std::vector<std::string_view> meant = names();
  for (const Talker& talker : talkers_) {
    if (talker.name == name) return talker.name;
    offered.push_back(talker.name);
    meant.push_back(talker.name);
  }
  return unknown(name, offered, meant);
}

std::vector<std::string_view> Catalogue::names() const {
  std::vector<std::string_view> names;
  for (const Model& model : models_) {
    names.push_back(model.id);
    names.insert(names.end(), model.aliases.begin(), model.aliases.end());
  }
  return names;
}

std::vector<RetiredName> legacy_names(std::string replacement) {
  return {{.name = "flux-1.1*", .replacement = std::move(replacement)}};
}

std::string fingerprint(const Model& model) {
  JsonText made_of = JsonText::array();
  made_of.push(model.weights).push(model.steps).push(model.guidance.value_or(0.0F));
  if (!model.weights_state.empty()) made_of.push(model.weights_state);
  return "fp_" + to_hex(sha256(made_of.text())).substr(0, 10);
}

}  // namespace imagined::service
