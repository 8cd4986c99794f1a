#pragma once

#include <chrono>
#include <string>

#include "net/http_client.h"
#include "service/ports/content_classifier.h"

namespace imagined::storage {

/// A service with OpenAI's moderation API.
class WebClassifier final : public service::ContentClassifier {
 public:
  struct Options {
    std::string url;  // of the whole route: ".../v1/moderations"
    std::string key;  // sent as a bearer; empty: none
    std::string model;
    std::chrono::milliseconds timeout{2'000};
  };
  explicit WebClassifier(Options options) : options_(std::move(options)) {}

  Result<std::vector<service::CategoryScore>> classify(std::string_view text) override;
  Result<std::vector<service::CategoryScore>> classify(
      const service::PictureToJudge& picture) override;

 private:
  Result<std::vector<service::CategoryScore>> ask(std::string question);

  const Options options_;
  net::HttpClient client_;
};

}  // namespace imagined::storage
