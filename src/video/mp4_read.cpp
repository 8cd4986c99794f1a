#include "video/mp4_read.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace imagined::video {
namespace {

using Bytes = Mp4Track::Bytes;

tl::unexpected<Error> wrong(std::string what) {
  return fail(ErrorCode::invalid_argument, fmt::format("the video {}", what), "video");
}

tl::unexpected<Error> damaged(std::string_view box) {
  return wrong(fmt::format("is damaged: its box \"{}\" is not as it should be", box));
}

/// Bytes from the front on; what is not there reads as nothing, and is asked about once.
class Reader {
 public:
  explicit Reader(Bytes bytes) : rest_(bytes) {}

  std::uint64_t number(std::size_t bytes) {
    std::uint64_t value = 0;
    for (const std::uint8_t byte : take(bytes)) value = value << 8 | byte;
    return value;
  }
  std::uint32_t u32() { return static_cast<std::uint32_t>(number(4)); }
  Bytes take(std::uint64_t count) {
    if (count > rest_.size()) {
      short_ = true;
      rest_ = {};
      return {};
    }
    const Bytes taken = rest_.first(static_cast<std::size_t>(count));
    rest_ = rest_.subspan(taken.size());
    return taken;
  }
  void skip(std::uint64_t count) { take(count); }

  Bytes rest() const { return rest_; }
  bool whole() const { return !short_; }

 private:
  Bytes rest_;
  bool short_ = false;
};

struct Box {
  std::string_view type;
  Bytes content;
};

std::string_view text_of(Bytes bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

/// The next box and the rest behind it; none at the end, or where no whole box is.
std::optional<Box> next_box(Bytes& rest) {
  Reader reader(rest);
  std::uint64_t size = reader.u32();
  const Bytes type = reader.take(4);
  if (size == 1) size = reader.number(8);
  const std::size_t header = rest.size() - reader.rest().size();
  if (size == 0) size = rest.size();  // to the end of the file
  if (!reader.whole() || size < header) return std::nullopt;
  const Bytes content = reader.take(size - header);
  if (!reader.whole()) return std::nullopt;
  rest = reader.rest();
  return Box{text_of(type), content};
}

std::optional<Bytes> find(Bytes boxes, std::string_view type) {
  while (const auto box = next_box(boxes))
    if (box->type == type) return box->content;
  return std::nullopt;
}

/// The content of a box that must be there.
Result<Bytes> require(Bytes boxes, std::string_view type) {
  if (const auto found = find(boxes, type)) return *found;
  return damaged(type);
}

/// A track's tables, as they lie in the file.
struct Tables {
  Bytes stsd, stts, stsz, stsc, stco;
  std::optional<Bytes> ctts;  // where frames are kept in another order than they are shown in
  std::size_t offset_bytes = 4;
};

Result<Tables> tables_of(Bytes minf) {
  const Bytes stbl = TRY(require(minf, "stbl"));
  Tables tables{.stsd = TRY(require(stbl, "stsd")),
                .stts = TRY(require(stbl, "stts")),
                .stsz = {},
                .stsc = TRY(require(stbl, "stsc")),
                .stco = {},
                .ctts = find(stbl, "ctts")};
  if (find(stbl, "stz2")) return wrong("has a table of kind \"stz2\", which is not read");
  tables.stsz = TRY(require(stbl, "stsz"));
  if (const auto wide = find(stbl, "co64")) {
    tables.stco = *wide;
    tables.offset_bytes = 8;
  } else {
    tables.stco = TRY(require(stbl, "stco"));
  }
  return tables;
}

Result<void> read_parameter_sets(Bytes configuration, Mp4Track& track) {
  Reader reader(configuration);
  reader.skip(4);  // version, profile, what holds of it, level
  track.length_bytes = static_cast<int>(reader.number(1) & 3) + 1;
  for (const std::uint64_t mask : {std::uint64_t{0x1F}, std::uint64_t{0xFF}}) {
    const std::uint64_t count = reader.number(1) & mask;
    for (std::uint64_t i = 0; i < count; ++i)
      track.parameter_sets.push_back(reader.take(reader.number(2)));
  }
  const bool empty = std::ranges::any_of(track.parameter_sets, &Bytes::empty);
  if (!reader.whole() || empty || track.parameter_sets.size() < 2 || track.length_bytes == 3)
    return damaged("avcC");
  return {};
}

Result<void> read_obus(Bytes configuration, Mp4Track& track) {
  Reader reader(configuration);
  reader.skip(4);  // a mark, profile and level, what the frames are like, a delay
  if (!reader.whole()) return damaged("av1C");
  if (!reader.rest().empty()) track.parameter_sets.push_back(reader.rest());
  return {};
}

Result<void> read_sample_entry(Bytes stsd, Mp4Track& track) {
  Reader reader(stsd);
  reader.skip(4);
  const std::uint32_t count = reader.u32();
  Bytes entries = reader.rest();
  const auto entry = next_box(entries);
  if (!reader.whole() || !entry) return damaged("stsd");
  if (entry->type == "av01") {
    track.codec = Codec::av1;
  } else if (entry->type != "avc1") {
    const bool printable =
        std::ranges::all_of(entry->type, [](char c) { return c > 31 && c < 127; });
    return wrong(fmt::format("is of kind \"{}\"; what is read is H.264 (avc1) and AV1 (av01)",
                             printable ? entry->type : "?"));
  }
  if (count != 1) return wrong(fmt::format("has {} kinds of frames; what is read is one", count));
  Reader fields(entry->content);
  fields.skip(24);
  track.width = static_cast<int>(fields.number(2));
  track.height = static_cast<int>(fields.number(2));
  fields.skip(50);
  if (!fields.whole()) return damaged(entry->type);
  if (track.width < 16 || track.height < 16 || track.width > kReadSideMax ||
      track.height > kReadSideMax || std::int64_t{track.width} * track.height > kReadPixelsMax)
    return wrong(fmt::format("has {} x {} pixels; what is read is 16 to {} a side and {} in all",
                             track.width, track.height, kReadSideMax, kReadPixelsMax));
  if (track.codec == Codec::av1) return read_obus(TRY(require(fields.rest(), "av1C")), track);
  return read_parameter_sets(TRY(require(fields.rest(), "avcC")), track);
}

/// How large each frame is.
Result<std::vector<std::uint32_t>> read_sizes(Bytes stsz, const Mp4Track& track) {
  Reader reader(stsz);
  reader.skip(4);
  const std::uint32_t common = reader.u32();
  const std::uint32_t count = reader.u32();
  if (!reader.whole()) return damaged("stsz");
  if (count == 0) return wrong("has no frames");
  if (count > kReadFramesMax)
    return wrong(fmt::format("has {} frames; what is read is {} at most", count, kReadFramesMax));
  const std::int64_t bytes = std::int64_t{track.width} * track.height * 3 / 2 * count;
  if (bytes > kReadBytesMax)
    return wrong(fmt::format("has {} frames of {} x {}: too much to read; at most {} of this size",
                             count, track.width, track.height,
                             kReadBytesMax / (std::int64_t{track.width} * track.height * 3 / 2)));
  std::vector<std::uint32_t> sizes(count, common);
  if (common == 0)
    for (std::uint32_t& size : sizes) size = reader.u32();
  if (!reader.whole()) return damaged("stsz");
  return sizes;
}

/// Of a header of the movie or of a track, `mvhd` or `mdhd`.
Result<std::int64_t> units_per_second(Bytes boxes, std::string_view type) {
  Reader header(TRY(require(boxes, type)));
  const bool wide = header.number(1) == 1;
  header.skip(3 + (wide ? 16 : 8));
  const std::uint32_t units = header.u32();
  if (!header.whole() || units == 0) return damaged(type);
  return units;
}

/// What each frame has by a table of runs, `stts` or `ctts`.
Result<std::vector<std::uint32_t>> read_runs(Bytes table, std::string_view type,
                                             std::size_t frames) {
  Reader reader(table);
  reader.skip(4);
  const std::uint32_t count = reader.u32();
  std::vector<std::uint32_t> values;
  for (std::uint32_t i = 0; i < count && values.size() < frames && reader.whole(); ++i) {
    const std::size_t run = std::min<std::size_t>(reader.u32(), frames - values.size());
    values.insert(values.end(), run, reader.u32());
  }
  if (!reader.whole() || values.size() < frames) return damaged(type);
  return values;
}

/// When a frame is shown, in units of the track.
struct FrameTime {
  std::size_t frame;
  std::int64_t begin;  // below 2^43 either way: 1800 frames of 2^32 units
  std::int64_t end;    // by its own duration, whatever comes next
};

/// In the order in which they are shown.
Result<std::vector<FrameTime>> read_frame_times(const Tables& tables, std::size_t frames) {
  const std::vector<std::uint32_t> durations = TRY(read_runs(tables.stts, "stts", frames));
  std::vector<std::uint32_t> offsets(frames, 0);
  if (tables.ctts) offsets = TRY(read_runs(*tables.ctts, "ctts", frames));
  std::vector<FrameTime> times;
  std::int64_t decoded_at = 0;
  for (std::size_t i = 0; i < frames; ++i) {
    // Signed in version 1, and in what is written of version 0, too.
    const std::int64_t begin = decoded_at + static_cast<std::int32_t>(offsets[i]);
    times.push_back({.frame = i, .begin = begin, .end = begin + durations[i]});
    decoded_at += durations[i];
  }
  std::ranges::stable_sort(times, {}, &FrameTime::begin);
  return times;
}

/// The part of a track that its edit list shows.
struct Edit {
  double wait_seconds = 0;  // before it
  std::int64_t begin = 0;   // in units of the track, below 2^52
  double seconds = 0;       // 0: to the end of the track
  double precision = 0;     // to how many seconds that is written
};

tl::unexpected<Error> too_long(double seconds) {
  return wrong(
      fmt::format("lasts {:.1f} s; what is read is {} s at most", seconds, kReadSecondsMax));
}

/// None where a track has no edit list, or an empty one.
Result<std::optional<Edit>> read_edit(Bytes trak, Bytes moov) {
  const auto edts = find(trak, "edts");
  const auto elst = edts ? find(*edts, "elst") : std::nullopt;
  if (!elst) return std::optional<Edit>();
  Reader reader(*elst);
  const std::size_t bytes = reader.number(1) == 1 ? 8 : 4;
  reader.skip(3);
  const std::uint32_t count = reader.u32();
  if (!reader.whole()) return damaged("elst");
  if (count == 0) return std::optional<Edit>();
  const auto units = static_cast<double>(TRY(units_per_second(moov, "mvhd")));
  Edit edit{.precision = 1 / units};
  for (std::uint32_t left = count; left > 0; --left) {
    const double seconds = static_cast<double>(reader.number(bytes)) / units;
    const std::uint64_t begin = reader.number(bytes);
    const std::uint64_t speed = reader.number(4);
    if (!reader.whole()) return damaged("elst");
    if (edit.wait_seconds + seconds > kReadSecondsMax) return too_long(edit.wait_seconds + seconds);
    if (begin == (bytes == 8 ? ~std::uint64_t{0} : 0xFFFF'FFFF)) {  // nothing is shown so long
      edit.wait_seconds += seconds;
      continue;
    }
    if (left > 1)
      return wrong("is cut together by an edit list (elst); what is read is one part of a track");
    if (speed != 1 << 16)
      return wrong("is shown at another speed than its own by an edit list (elst)");
    if (begin >= (bytes == 8 ? std::uint64_t{1} << 52 : std::uint64_t{1} << 31))
      return damaged("elst");
    edit.begin = static_cast<std::int64_t>(begin);
    edit.seconds = seconds;
    return edit;
  }
  return wrong("shows none of its frames by an edit list (elst)");
}

/// Which frames are shown, when, and how long the video is.
Result<void> read_times(const Tables& tables, const std::optional<Edit>& edit, std::int64_t units,
                        Mp4Track& track, std::size_t frames) {
  const std::vector<FrameTime> times = TRY(read_frame_times(tables, frames));
  const std::int64_t begin = edit ? edit->begin : times.front().begin;
  std::int64_t end = std::ranges::max(times, {}, &FrameTime::end).end;
  const auto in_seconds = [&](std::int64_t since) {
    return static_cast<double>(since) / static_cast<double>(units);
  };
  if (edit && edit->seconds > 0) {
    // Where it only rounds what the track says, the track is right.
    const bool same = std::abs(in_seconds(end - begin) - edit->seconds) <= 1.001 * edit->precision;
    if (!same) end = begin + std::llround(edit->seconds * static_cast<double>(units));
  }
  if (end <= begin) return damaged(edit ? "elst" : "stts");
  const double wait = edit ? edit->wait_seconds : 0;
  track.seconds = wait + in_seconds(end - begin);
  if (track.seconds > kReadSecondsMax) return too_long(track.seconds);
  for (std::size_t i = 0; i < times.size(); ++i) {
    const bool begins_too_late = times[i].begin >= end;
    const bool ends_too_early = i + 1 < times.size() && times[i + 1].begin <= begin;
    if (begins_too_late || ends_too_early) continue;
    const double at = wait + in_seconds(std::max(times[i].begin, begin) - begin);
    track.shown.push_back({.frame = times[i].frame, .seconds = track.shown.empty() ? 0 : at});
  }
  if (track.shown.empty()) return damaged("elst");
  return {};
}

/// Follows the chunks: which frames lie in which, and where in the file.
Result<void> read_places(const Tables& tables, std::span<const std::uint32_t> sizes, Bytes file,
                         Mp4Track& track) {
  Reader runs(tables.stsc);
  runs.skip(4);
  std::uint32_t runs_left = runs.u32();
  Reader offsets(tables.stco);
  offsets.skip(4);
  const std::uint32_t chunks = offsets.u32();
  std::uint32_t in_each = 0;
  std::uint32_t next_run = 0;  // the chunk, from 1, with which the next run begins
  std::uint32_t next_in_each = 0;
  const auto read_run = [&] {
    next_run = runs_left > 0 ? runs.u32() : 0;
    next_in_each = runs_left > 0 ? runs.u32() : 0;
    if (runs_left > 0) runs.skip(4), --runs_left;
  };
  read_run();
  for (std::uint32_t chunk = 1; chunk <= chunks && track.frames.size() < sizes.size(); ++chunk) {
    if (chunk == next_run) {
      in_each = next_in_each;
      read_run();
    }
    std::uint64_t at = offsets.number(tables.offset_bytes);
    if (!offsets.whole() || !runs.whole()) return damaged("stco");
    for (std::uint32_t i = 0; i < in_each && track.frames.size() < sizes.size(); ++i) {
      const std::uint64_t size = sizes[track.frames.size()];
      if (size == 0 || at > file.size() || size > file.size() - at)
        return wrong(
            fmt::format("is cut short: frame {} lies beyond its end", track.frames.size() + 1));
      track.frames.push_back(
          file.subspan(static_cast<std::size_t>(at), static_cast<std::size_t>(size)));
      at += size;
    }
  }
  if (track.frames.size() < sizes.size()) return damaged("stsc");
  return {};
}

/// A matrix that turns or mirrors, as telephones write it.
Result<void> check_upright(Bytes tkhd) {
  Reader reader(tkhd);
  const bool wide = reader.number(1) == 1;
  reader.skip(3 + (wide ? 32 : 20) + 16);
  std::array<std::uint32_t, 5> matrix{};
  for (std::uint32_t& value : matrix) value = reader.u32();
  if (!reader.whole()) return damaged("tkhd");
  constexpr std::uint32_t kOne = 1 << 16;
  if (matrix[0] == kOne && matrix[1] == 0 && matrix[3] == 0 && matrix[4] == kOne) return {};
  return wrong("is shown turned; what is read stands upright");
}

/// The first track of pictures.
Result<std::pair<Bytes, Bytes>> find_track(Bytes moov) {
  while (const auto box = next_box(moov)) {
    if (box->type != "trak") continue;
    const auto mdia = find(box->content, "mdia");
    const auto hdlr = mdia ? find(*mdia, "hdlr") : std::nullopt;
    if (hdlr && hdlr->size() >= 12 && text_of(hdlr->subspan(8, 4)) == "vide")
      return std::pair(box->content, *mdia);
  }
  return wrong("has no track of pictures");
}

}  // namespace

Result<Mp4Track> read_mp4(std::span<const std::uint8_t> file) {
  Bytes boxes = file;
  const auto first = next_box(boxes);
  if (!first || first->type != "ftyp")
    return fail(ErrorCode::unsupported_media_type, "the video is not an MP4 file", "video");
  const auto moov = find(file, "moov");
  if (!moov) return wrong("has no table of its frames (moov)");
  if (find(*moov, "mvex")) return wrong("is in fragments, which are not read");
  const auto [trak, mdia] = TRY(find_track(*moov));
  const Bytes tkhd = TRY(require(trak, "tkhd"));
  TRY(check_upright(tkhd));
  const Bytes minf = TRY(require(mdia, "minf"));
  const Tables tables = TRY(tables_of(minf));
  Mp4Track track;
  TRY(read_sample_entry(tables.stsd, track));
  const std::vector<std::uint32_t> sizes = TRY(read_sizes(tables.stsz, track));
  const std::int64_t units = TRY(units_per_second(mdia, "mdhd"));
  const std::optional<Edit> edit = TRY(read_edit(trak, *moov));
  TRY(read_times(tables, edit, units, track, sizes.size()));
  TRY(read_places(tables, sizes, file, track));
  return track;
}

Result<std::vector<Bytes>> units_of(const Mp4Track& track, Bytes frame) {
  std::vector<Bytes> units;
  Reader reader(frame);
  while (!reader.rest().empty()) {
    const Bytes unit = reader.take(reader.number(static_cast<std::size_t>(track.length_bytes)));
    if (!reader.whole()) return damaged("mdat");
    if (!unit.empty()) units.push_back(unit);
  }
  return units;
}

}  // namespace imagined::video
