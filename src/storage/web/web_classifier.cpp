#include "storage/web/web_classifier.h"

#include <fmt/core.h>

#include <utility>

#include "storage/codec/moderation_answer.h"

namespace imagined::storage {

Result<std::vector<service::CategoryScore>> WebClassifier::classify(std::string_view text) {
  return ask(encode_moderation_question(options_.model, text));
}

Result<std::vector<service::CategoryScore>> WebClassifier::classify(
    const service::PictureToJudge& picture) {
  return ask(encode_moderation_question(options_.model, picture));
}

Result<std::vector<service::CategoryScore>> WebClassifier::ask(std::string question) {
  net::HttpPost request{.url = options_.url,
                        .headers = {"content-type: application/json"},
                        .body = std::move(question),
                        .timeout = options_.timeout};
  if (!options_.key.empty()) request.headers.push_back("authorization: Bearer " + options_.key);
  const net::HttpAnswer answer = TRY(client_.post(request));
  if (answer.status != 200)
    return fail(ErrorCode::unavailable, "the classifier refused to answer", {},
                fmt::format("status {}", answer.status));
  auto scores = decode_moderation_answer(answer.body);
  if (!scores)
    return fail(ErrorCode::unavailable, scores.error().message, {}, scores.error().detail);
  return scores;
}

}  // namespace imagined::storage
