// sampling.json: how a model is run unless the request says otherwise, and what it is for.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace imagined::engine {

/// How a model was trained to go on from a picture.
struct ClipTraining {
  std::int64_t frames = 0;  // that lie in one pass, with the first, which is given; 0: not trained
  std::int64_t frames_per_second = 0;
  /// The frames of a pass are made in so many runs, each of those that stand so far apart; 1: all
  /// at once.
  std::int64_t stride = 1;
};

struct SamplingDefaults {
  std::int64_t steps = 4;
  double guidance = 1;          // guidance_scale; 1 switches it off
  std::optional<double> shift;  // replaces the scheduler's static shift
  std::int64_t native_pixels =
      0;                // larger pictures are made at this area and enlarged; 0: no limit
  int edge_passes = 0;  // of finished pictures, whose edges are made steeper so often
  ClipTraining clips;
};

/// What a model says about itself.
struct ModelCard {
  std::string text;                     // what it is, in a sentence or two
  std::vector<std::string> draws;       // the nouns that it draws
  std::vector<std::string> vocabulary;  // sorted, lower case; empty: any word may be known

  /// The words of a prompt (runs of letters, digits and inner apostrophes, in lower case, and runs
  /// of emoji) that mean nothing to the model, each once, in their order.
  std::vector<std::string> unknown_words(std::string_view prompt) const;
  /// Whether a model that knows certain words finds none at all in a prompt: punctuation, blanks.
  bool has_no_word(std::string_view prompt) const;
};

/// What sampling.json says the model is. Errors as parse_sampling.
Result<ModelCard> parse_card(std::string_view json);

/// Reads sampling.json into what is there already. pixels_per_token, where it is given, must be the
/// VAE's. Errors as those of the networks' configurations.
Result<> parse_sampling(std::string_view json, std::int64_t vae_pixels_per_token,
                        SamplingDefaults& sampling, ModelCard& card);

}  // namespace imagined::engine
