// OpenAI's moderation API: what is asked and what is answered.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "service/ports/content_classifier.h"

namespace imagined::storage {

/// `{"model", "input"}`.
std::string encode_moderation_question(std::string_view model, std::string_view text);
/// `{"model", "input": [{"type": "image_url", "image_url": {"url": "data:..."}}]}`.
std::string encode_moderation_question(std::string_view model,
                                       const service::PictureToJudge& picture);

/// `{"results": [{"categories": {NAME: bool}, "category_scores": {NAME: number}}]}`, the strongest
/// of all results for each category. A category may lack one of the two. `data_loss` for anything
/// else, and for a score that is no number from 0 to 1.
Result<std::vector<service::CategoryScore>> decode_moderation_answer(std::string_view text);

}  // namespace imagined::storage
