#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "image/format.h"

namespace imagined::service {

/// What a classifier says of a text or a picture in one category.
struct CategoryScore {
  std::string category;  // "violence/graphic": OpenAI's names, or the classifier's own
  double score = 0;      // 0 to 1
  bool flagged = false;  // by the classifier's own threshold

  bool operator==(const CategoryScore&) const = default;
};

/// A picture's file.
struct PictureToJudge {
  std::span<const std::uint8_t> file;
  image::Format format = image::Format::png;
};

/// Somebody outside who judges texts and pictures. Thread-safe; calls block, within a time of their
/// own.
class ContentClassifier {
 public:
  virtual ~ContentClassifier() = default;
  /// `unavailable` when there is no answer in time, or none that can be understood.
  virtual Result<std::vector<CategoryScore>> classify(std::string_view text) = 0;
  virtual Result<std::vector<CategoryScore>> classify(const PictureToJudge& picture) = 0;
};

}  // namespace imagined::service
