// How the work of a job is done, one function per kind of job. Whoever claims, prolongs, cancels or
// settles a job knows nothing of what it asks for; a new kind adds its function and a row here.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "base/result.h"
#include "decoder/decoder.h"
#include "engine/engine.h"
#include "image/format.h"
#include "image/picture.h"
#include "service/catalogue/catalogue.h"
#include "service/jobs/job.h"
#include "service/ports/blob_store.h"
#include "video/coded.h"
#include "worker/active_job.h"

namespace imagined::worker {

/// A picture of a job, to be encoded and kept.
struct Made {
  int index = 0;
  std::uint64_t seed = 0;
  image::Format format = image::Format::jpeg;
  image::Picture picture;
};

/// What a picture in the making looks like, for whoever waits for it.
struct Preview {
  int index = 0;   // of the picture
  int number = 0;  // of its previews
  image::Format format = image::Format::jpeg;
  image::Picture picture;
};

/// A clip of a job, to be kept.
struct MadeClip {
  std::uint64_t seed = 0;
  std::vector<std::uint8_t> file;  // MP4
  int width = 0;
  int height = 0;
  std::int64_t duration_ms = 0;
  int seconds_sold = 0;                // what is paid for
  std::vector<image::Picture> judged;  // some of its frames, for whoever judges pictures
};

/// The pictures of a job: one for each seed.
struct Wanted {
  std::vector<std::uint64_t> seeds;
  int previews = 0;  // of each picture, at most so many
  image::Format format = image::Format::jpeg;
};

/// What a job is made with, on the engine's thread.
struct Making {
  ActiveJob& active;
  const service::Model& model;  // that was sold
  std::function<std::uint64_t()> random_seed;
  std::function<engine::RequestReading(const engine::GenerateRequest&)> read;
  /// Makes the pictures and hands each in, to be kept beside the work on the next one. Tells how
  /// they get on, shows previews, and loads a model again whose file was changed.
  std::function<Result<>(const engine::GenerateRequest&, const Wanted&)> generate;
  /// The same for moving pictures, and for the pictures that they need. How they get on is told by
  /// `tell`; what they make is handed in as a whole by `keep`.
  std::function<Result<>(const engine::ClipRequest&, const engine::ClipObserver&)> animate;
  std::function<Result<image::Picture>(const engine::GenerateRequest&,
                                       std::function<void(engine::Progress)>)>
      draw;
  std::function<void(engine::Progress)> tell;
  std::function<void(MadeClip)> keep;
  int clip_frames_per_second = 0;  // of the model
  video::Codec video_codec = video::Codec::h264;
  bool judges = false;  // somebody looks at what was made
  service::BlobStore& blobs;
  decoder::Decoder& decoder;  // of pictures that are given
};

/// Makes all that is asked for, or what there is time for before the job's `stop` is requested. An
/// error fails the job, `cancelled` excepted.
using Make = Result<> (*)(const Making&);

/// The kinds that this program makes; a worker claims no others.
const std::vector<service::JobKind>& made_kinds();
/// Only for those.
Make make_of(service::JobKind kind);

}  // namespace imagined::worker
