#include "storage/codec/moderation_answer.h"

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>

#include "base/crypto.h"
#include "base/json.h"
#include "base/json_text.h"

namespace imagined::storage {
namespace {

using nlohmann::json;
using service::CategoryScore;
using Scores = std::map<std::string, CategoryScore>;

tl::unexpected<Error> not_understood(std::string detail) {
  return fail(ErrorCode::data_loss, "the classifier's answer is not understood", {},
              std::move(detail));
}

CategoryScore& score_of(const std::string& category, Scores& scores) {
  CategoryScore& score = scores[category];
  score.category = category;
  return score;
}

Result<void> read_result(const json& result, Scores& scores) {
  if (!result.is_object()) return not_understood("a result is no object");
  const auto categories = result.find("categories");
  const auto values = result.find("category_scores");
  if (categories == result.end() || !categories->is_object())
    return not_understood("a result has no categories");
  for (const auto& [name, flagged] : categories->items()) {
    if (flagged.is_null()) continue;  // a category that this kind of input does not have
    if (!flagged.is_boolean()) return not_understood("categories: " + name);
    CategoryScore& score = score_of(name, scores);
    score.flagged = score.flagged || flagged.get<bool>();
  }
  if (values == result.end()) return {};
  if (!values->is_object()) return not_understood("category_scores");
  for (const auto& [name, value] : values->items()) {
    if (value.is_null()) continue;
    const double number = value.is_number() ? value.get<double>() : -1;
    if (!(number >= 0 && number <= 1)) return not_understood("category_scores: " + name);
    CategoryScore& score = score_of(name, scores);
    score.score = std::max(score.score, number);
  }
  return {};
}

}  // namespace

std::string encode_moderation_question(std::string_view model, std::string_view text) {
  return JsonText::object({{"model", model}, {"input", text}}).text();
}

std::string encode_moderation_question(std::string_view model,
                                       const service::PictureToJudge& picture) {
  // In one piece: a file may be tens of megabytes. Base64 needs no escapes.
  std::string question = R"({"model":)" + JsonText(model).text() +
                         R"(,"input":[{"type":"image_url","image_url":{"url":"data:)";
  question.reserve(question.size() + base64_size(picture.file.size()) + 64);
  question += image::mime_type(picture.format);
  question += ";base64,";
  append_base64(picture.file, question);
  return question + R"("}}]})";
}

Result<std::vector<CategoryScore>> decode_moderation_answer(std::string_view text) {
  const auto answer = parse_json(text, {});
  if (!answer) return not_understood(answer.error().what);
  if (!answer->is_object()) return not_understood("no object");
  const auto results = answer->find("results");
  if (results == answer->end() || !results->is_array() || results->empty())
    return not_understood("no results");
  Scores scores;
  for (const json& result : *results) TRY(read_result(result, scores));
  std::vector<CategoryScore> all;
  for (auto& [name, score] : scores) all.push_back(std::move(score));
  return all;
}

}  // namespace imagined::storage
