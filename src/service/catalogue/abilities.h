#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace imagined::service {

/// What a request's guidance does in a model. Spelled as on the wire.
enum class GuidanceUse : std::uint8_t {
  none,         // nothing
  true_passes,  // a pass with the prompt and one with the negative prompt, above 1
  embedded,     // one pass, which is told
};

/// What can be asked of a model: only who has loaded its weights knows.
struct Abilities {
  int references_max = 0;         // pictures that an edit may bring
  int reference_side_px_min = 0;  // of each side of them, and of a video's first frame
  int reference_ratio_max = 0;    // of the longer side to the shorter one; 0: any
  bool masks = false;             // a part of the first of them can stay as it is
  GuidanceUse guidance = GuidanceUse::none;
  float guidance_default = 1;      // of the weights, where nobody says another
  bool pictures = true;            // makes them; else only videos
  int clip_frames_per_second = 0;  // of the videos that it makes, up to 15 s long; 0: it makes none

  bool operator==(const Abilities&) const = default;
};

/// What a worker has told of one model.
struct ModelReport {
  std::string model;
  std::optional<Abilities> abilities;  // none: it could not be loaded

  bool operator==(const ModelReport&) const = default;
};

/// "none", "true" or "embedded".
std::string_view to_string(GuidanceUse use);
std::optional<GuidanceUse> parse_guidance_use(std::string_view text);

}  // namespace imagined::service
