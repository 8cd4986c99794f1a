#!/usr/bin/env bash
# PyAV cannot write a clip with its index in front into memory: closing it looks for a file that nobody has named.
#
# Seen with PyAV 18.1.0 and its FFmpeg. A file object is written to, with `movflags` at `faststart`, which puts the index before the
# frames. To make room FFmpeg reads back what it has written, and does so from a path instead of the object: `close` raises FileNotFoundError
# for "<none>", and what is in memory cannot be played. Without `faststart`, or written to a path, the clip is right.
#
# Why it matters: clips for the web have their index in front, and a server holds them in memory. Write such a clip to a path.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/lib/python.sh"

with_packages av==18.1.0 numpy==2.4.6 <<'PY'
import io

import av
import numpy as np


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


plain = levels(write(io.BytesIO(), 200).getvalue())
print("in memory:", plain)
assert plain == [200] * 5

with open(write("clip.mp4", 200, movflags="faststart"), "rb") as file:
    on_disk = file.read()
print("on the disk with faststart:", levels(on_disk))
assert on_disk.index(b"moov") < on_disk.index(b"mdat") and levels(on_disk) == [200] * 5

file = io.BytesIO()
try:
    write(file, 200, movflags="faststart")
    raise SystemExit("written")
except FileNotFoundError as error:
    print(f"in memory with faststart: {error}; {len(file.getvalue())} bytes, frames {levels(file.getvalue())}")
    assert error.filename == "<none>" and levels(file.getvalue()) is None
PY
