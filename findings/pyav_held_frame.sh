#!/usr/bin/env bash
# FFmpeg says that a clip of 5.1 s lasts 1.1 s, when its last frame is held and it has B-frames.
#
# Seen with PyAV 18.1.0 and its FFmpeg and libx264. Ten frames at ten a second, then one at 5.0 s: the file that FFmpeg writes says 5.1 s in
# its header (`mvhd`) and in its edit list. FFmpeg's own reader does not ask them. It adds up the times at which frames are decoded
# (`stts`). With its B-frames libx264 decodes a frame at the time of the one shown two places before, so that a pause before one of
# the last two is not in that sum: `duration` of the container is 1.1 s and the average rate 10, and decoding gives a frame
# at 5.0 s. The same clip is 5.1 s long without B-frames, in Matroska, and when a third frame follows the pause.
#
# Why it matters: generated clips end in a still or a title that is held, and a server that bills by the second, or takes clips of up to
# some length, believes `duration`. So does who looks for the last frame there, to go on from it. The times of the frames are
# right; so is the header.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/lib/python.sh"

with_packages av==18.1.0 numpy==2.4.6 <<'PY'
import io
from fractions import Fraction

import av
import numpy as np

TENTH = Fraction(1, 10)
STEADY = list(range(10))


def lengths(what, tenths, form="mp4", **options):
    """Seconds that the reader says, that an MP4's header says, and at which the last frame is shown."""
    file = io.BytesIO()
    with av.open(file, "w", format=form) as out:
        stream = out.add_stream("libx264", rate=10, options=options)
        stream.width, stream.height, stream.pix_fmt = 64, 64, "yuv420p"
        stream.codec_context.time_base = TENTH
        for tenth in tenths:
            frame = av.VideoFrame.from_ndarray(np.full((64, 64, 3), tenth * 4, np.uint8), format="rgb24")
            frame.pts, frame.time_base = tenth, TENTH
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
    written = file.getvalue()
    header = None
    if form == "mp4":
        fields = written[written.index(b"mvhd") + 4:]
        units, length = (int.from_bytes(fields[at:at + 4], "big") for at in (12, 16))
        header = length / units
    with av.open(io.BytesIO(written)) as back:
        times = [round(frame.time, 3) for frame in back.decode(video=0)]
        said, rate = back.duration / av.time_base, float(back.streams.video[0].average_rate)
    assert len(times) == len(tenths)
    print(f"{what}: the reader says {said:.1f} s at {rate:.1f} frames a second, the header {header} s, last frame at {times[-1]} s")
    return round(said, 1), header, times[-1]


print("libavformat", ".".join(map(str, av.library_versions["libavformat"])))
assert lengths("steady", STEADY) == (1.0, 1.0, 0.9)
assert lengths("held at the end", STEADY + [50]) == (1.1, 5.1, 5.0)
assert lengths("held, then one more", STEADY + [50, 51]) == (1.2, 5.2, 5.1)
assert lengths("held, then two more", STEADY + [50, 51, 52]) == (5.3, 5.3, 5.2)
assert lengths("held, no B-frames", STEADY + [50], bf="0") == (5.1, 5.1, 5.0)
assert lengths("held, Matroska", STEADY + [50], form="matroska") == (5.1, None, 5.0)
PY
