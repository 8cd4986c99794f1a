#!/usr/bin/env bash
# PyAV marks a clip as BT.709, as it is told to, and makes its colours by BT.601 all the same.
#
# Seen with PyAV 18.1.0 and its libx264. `colorspace`, primaries and transfer of the stream go into the file;
# RGB frames given to `encode` are converted on the way, by the other matrix, without a warning. PyAV's own
# reader follows the mark: pure red comes back as (255, 23, 0), green as (0, 215, 0), blue as (0, 14, 255).
# Greys are right, and so is a frame that was converted with `reformat(dst_colorspace=...)` before. A clip
# without marks comes back right from PyAV, which then takes it for BT.601.
#
# Why it matters: HD is BT.709, and a clip should name its matrix, so that no player has to guess. Who only
# adds the marks to a program that writes generated clips changes their colours, for every reader that
# believes the marks.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/lib/python.sh"

with_packages av==18.1.0 numpy==2.4.6 <<'PY'
import io

import av
import numpy as np
from av.video.reformatter import Colorspace

WIDTH, HEIGHT, BT709, LIMITED = 320, 192, 1, 1
COLOURS = [(255, 0, 0), (0, 255, 0), (0, 0, 255), (128, 128, 128)]


def clip(marked, converted):
    """The colours in the middle of each frame, and the matrix that the file names."""
    file = io.BytesIO()
    with av.open(file, "w", format="mp4") as out:
        stream = out.add_stream("libx264", rate=24, options={"crf": "1"})
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        if marked:
            codec = stream.codec_context
            codec.colorspace = codec.color_primaries = codec.color_trc = BT709
            codec.color_range = LIMITED
        for colour in COLOURS:
            pixels = np.full((HEIGHT, WIDTH, 3), colour, np.uint8)
            frame = av.VideoFrame.from_ndarray(pixels, format="rgb24")
            if converted:
                frame = frame.reformat(format="yuv420p", dst_colorspace=Colorspace.ITU709)
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
    with av.open(io.BytesIO(file.getvalue())) as back:
        frames = [frame.to_ndarray(format="rgb24") for frame in back.decode(video=0)]
        named = int(back.streams.video[0].codec_context.colorspace)
    seen = [tuple(map(int, frame[HEIGHT // 2, WIDTH // 2])) for frame in frames]
    print(f"marked: {marked}, converted: {converted}, the file names matrix {named}: {seen}")
    return named, max(abs(a - b) for was, now in zip(COLOURS, seen) for a, b in zip(was, now)), seen


assert clip(True, True)[:2] < (BT709, 3)
assert clip(False, False)[1] < 3
named, off, seen = clip(True, False)
assert named == BT709 and off > 35
assert seen[0][1] > 20 and seen[1][1] < 220 and seen[3] == COLOURS[3]
PY
