// A clip asked of the engine's public face, and all that comes of it.
#pragma once

#include <cstdint>
#include <stop_token>
#include <utility>
#include <vector>

#include "engine/engine.h"

namespace imagined::engine {

inline image::Picture picture(int width, int height) {
  image::Picture made{.width = width, .height = height, .channels = 3};
  for (int i = 0; i < width * height * 3; ++i)
    made.pixels.push_back(static_cast<std::uint8_t>(i * 37 % 251));
  return made;
}

inline ClipRequest request_of(int frames) {
  return {.prompt = "night falls",
          .first_frame = picture(80, 64),
          .width = 80,
          .height = 64,
          .frames = frames,
          .seed = 7};
}

struct Made {
  std::vector<image::Picture> frames;
  std::vector<Progress> progress;
  Error error;
};

inline Made animate(Engine& engine, const ClipRequest& request, std::stop_token stop = {}) {
  Made made;
  const auto done =
      engine.animate(request,
                     {.on_progress = [&](Progress progress) { made.progress.push_back(progress); },
                      .take = [&](image::Picture frame) -> Result<> {
                        made.frames.push_back(std::move(frame));
                        return {};
                      }},
                     std::move(stop));
  if (!done) made.error = done.error();
  return made;
}

}  // namespace imagined::engine
