#!/usr/bin/env bash
# diffusers' export_to_gif plays a clip faster than it is told to: at 60 frames a second by two thirds.
#
# Seen with diffusers 0.42.1 and Pillow 13.0.0. A GIF holds delays of whole hundredths of a second. `fps` is rounded to milliseconds a frame,
# always down, and Pillow rounds those to hundredths, down again; no frame makes up for it. 60 a second become 100, 30 become 33, 16 become 16.7, 24
# become 25, and a clip of 120 frames that should last 2 s at 60 lasts 1.2 s. 10, 25 and 50 are true. Nothing is said.
#
# Why it matters: video models make 16, 24 or 30 frames a second. The preview as a GIF runs ahead of the same frames as MP4, and of their
# sound, and two previews of one length in seconds end apart.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/lib/python.sh"

with_packages diffusers==0.42.1 numpy==2.4.6 pillow==13.0.0 <<'PY'
from diffusers.utils import export_to_gif
from PIL import Image

FRAMES = 120
frames = [Image.new("RGB", (16, 16), (number, 2 * number, 255 - number)) for number in range(FRAMES)]


def seconds(fps):
    """How long a GIF of all frames lasts."""
    with Image.open(export_to_gif(frames, "clip.gif", fps=fps)) as clip:
        assert clip.n_frames == FRAMES
        total = 0
        for number in range(FRAMES):
            clip.seek(number)
            total += clip.info["duration"]
    print(f"{FRAMES} frames at {fps}: {total / 1000} s, not {FRAMES / fps}, so {FRAMES * 1000 / total:.1f} a second")
    return total / 1000


assert [seconds(fps) for fps in (10, 25, 50)] == [12, 4.8, 2.4]
assert [seconds(fps) for fps in (16, 24, 30, 60)] == [7.2, 4.8, 3.6, 1.2]
PY
