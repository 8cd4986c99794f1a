#!/usr/bin/env bash
# PyAV fills a clip in memory with the frames of another clip that lies on the disk under its name.
#
# Seen with PyAV 18.1.0 and its FFmpeg. A file object is written to, with `movflags` at `faststart`, which puts the index before the
# frames. To make room FFmpeg reads back what it has written, and does so not from the object but from the path that the object's `name`
# is. Where a file of that path is there, its bytes come into the clip without an error: one of light frames plays the dark frames of an
# older one. Where none is there, `close` raises FileNotFoundError for a file that nobody wanted to open ("<none>", for BytesIO), and what
# is in memory cannot be played. Without `faststart`, or written to a path, the clip is right.
#
# Why it matters: clips for the web have their index in front, and a file object that is to be uploaded is given a `name`, by which clients
# tell its type. Write such a clip to a path.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/lib/python.sh"

with_packages av==18.1.0 numpy==2.4.6 <<'PY'
import io
import os

import av
import numpy as np


class Clip(io.BytesIO):
    """What a client's upload is made of: bytes in memory with a name."""
    name = "clip.mp4"


def write(file, level, **options):
    with av.open(file, "w", format="mp4", options=options) as out:
        stream = out.add_stream("libx264", rate=24)
        stream.width, stream.height, stream.pix_fmt = 64, 64, "yuv420p"
        for _ in range(5):
            frame = av.VideoFrame.from_ndarray(np.full((64, 64, 3), level, np.uint8), format="rgb24")
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
    return file


def levels(data):
    """The mean level of each frame, or None for what does not open."""
    try:
        with av.open(io.BytesIO(data)) as clip:
            return [round(frame.to_ndarray(format="rgb24").mean()) for frame in clip.decode(video=0)]
    except av.error.InvalidDataError:
        return None


write("clip.mp4", 50)
plain = levels(write(Clip(), 200).getvalue())
print("light frames, an older dark clip.mp4 on the disk:", plain)
assert plain == [200] * 5

fast = write(Clip(), 200, movflags="faststart").getvalue()
print("the same with faststart:", levels(fast))
assert fast.index(b"moov") < fast.index(b"mdat")
assert levels(fast) == [50] * 5

on_disk = write("other.mp4", 200, movflags="faststart")
with open(on_disk, "rb") as file:
    assert levels(file.read()) == [200] * 5

os.remove("clip.mp4")
for kind, sought in ((Clip, "clip.mp4"), (io.BytesIO, "<none>")):
    file = kind()
    try:
        write(file, 200, movflags="faststart")
        raise SystemExit("written")
    except FileNotFoundError as error:
        print(f"{kind.__name__}, none on the disk: {error}; in memory {len(file.getvalue())} bytes, frames {levels(file.getvalue())}")
        assert error.filename == sought and levels(file.getvalue()) is None
PY
