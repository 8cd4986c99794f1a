// The models that other servers answer for: which server is asked, and what an answer costs.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "service/moderation/breaker.h"

namespace imagined::service {

struct UpstreamModel {
  std::string name;   // as it is asked for here
  std::string there;  // as the upstream calls it
};

/// A server with OpenAI's API, as configured.
struct Upstream {
  std::string name;
  std::string base_url;               // ".../v1", without a slash at its end
  std::string key;                    // sent as a bearer; empty: none
  std::string ca_file;                // of who vouches for its certificate; empty: the system's
  std::vector<UpstreamModel> models;  // that talk
  std::vector<UpstreamModel> makers;  // of pictures or videos, which are in the catalogue
  bool has_image_tool = false;        // of its own: the `image_generation` tool is its business
  bool sees = false;                  // its models are shown what they have had made
  bool has_responses = true;          // false: it is asked at /chat/completions alone
  // Per million tokens; what an upstream says by itself (`cost_in_usd_ticks`) wins.
  std::int64_t price_input_usd_ticks = 0;
  std::int64_t price_output_usd_ticks = 0;

  bool has_prices() const { return price_input_usd_ticks > 0 || price_output_usd_ticks > 0; }
};

/// A name under which a model talks and another makes its pictures.
struct ModelPair {
  std::string name;
  std::string talks;  // of an upstream
  std::string makes;  // of the catalogue
};

/// What an answer has used.
struct TokenUsage {
  std::int64_t input = 0;
  std::int64_t output = 0;
  std::int64_t cost_usd_ticks = -1;  // as the upstream says; -1: it says nothing

  bool operator==(const TokenUsage&) const = default;
};
std::int64_t cost_of(const Upstream& upstream, const TokenUsage& usage);

/// What a request to it begins with.
std::vector<std::string> headers_for(const Upstream& upstream, std::string_view accepted);

/// One that may be asked for a model.
struct UpstreamRoute {
  const Upstream* upstream = nullptr;
  std::string_view model;  // as it calls it
};

/// Immutable but for what is known of their health; any thread may use it.
class Upstreams {
 public:
  /// Several may have a model of the same name: they stand in for each other, in this order.
  /// The models of pairs that talk must be there.
  Upstreams(std::vector<Upstream> upstreams, const Clock& clock, std::vector<ModelPair> pairs = {});

  bool has(std::string_view model) const { return models_.contains(model); }
  /// Null for a model that is no pair.
  const ModelPair* pair(std::string_view model) const;
  /// Of all upstreams and pairs, each once, in alphabetical order, with the first upstream that has
  /// it.
  const std::map<std::string, const Upstream*, std::less<>>& models() const { return models_; }

  /// Who may be asked now, best first: those who have failed again and again come last.
  std::vector<UpstreamRoute> routes(std::string_view model);
  /// The same for a model that makes pictures or videos.
  std::vector<UpstreamRoute> makers(std::string_view model);
  void succeeded(const Upstream& upstream);
  void failed(const Upstream& upstream);

  /// Who was seen to have /chat/completions alone for a model is not asked at /responses for a
  /// while: it may learn.
  bool may_have_responses(const UpstreamRoute& route) const;
  /// It has answered there as if it had nothing, which may be about the request too.
  void missed_responses(const UpstreamRoute& route);
  /// It answers at /chat/completions what it was asked at /responses before. Says nothing of who
  /// has not missed that.
  void lacks_responses(const UpstreamRoute& route);

 private:
  using ModelsOf = std::vector<UpstreamModel> Upstream::*;
  std::vector<UpstreamRoute> routes(std::string_view model, ModelsOf models);

  const std::vector<Upstream> upstreams_;
  const Clock& clock_;
  const std::vector<ModelPair> pairs_;
  std::map<std::string, const Upstream*, std::less<>> models_;
  std::map<const Upstream*, Breaker> breakers_;
  using Offered = std::pair<const Upstream*, std::string>;  // and its name there
  mutable std::mutex mutex_;
  std::map<Offered, std::int64_t> lack_responses_until_ms_;  // 0: missed, no more is known
};

}  // namespace imagined::service
