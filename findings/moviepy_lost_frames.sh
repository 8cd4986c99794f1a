#!/usr/bin/env bash
# MoviePy writes another clip than the list of frames that it is given: some frames are missing and others come twice.
#
# Seen with moviepy 2.2.1. `ImageSequenceClip(frames, fps=f)` is the documented way from frames to a clip, and `iter_frames` is what
# `write_videofile` puts into the file. Frames become seconds and seconds frames again, in floats that are rounded down. Of 81 frames at 24 a second the
# last is gone; of 120 at 24 number 98 is gone and 97 comes twice, and so on each third frame to the end, while their count is right. 12, 15,
# 25, 30 and 60 a second lose frames as well; 8 and 16, whose steps are whole in binary, none. Nothing is said.
#
# Why it matters: video models make 81, 97 or 121 frames at 24 or 16 a second. The last frame, from which the next clip goes on, is not in the
# file, and motion that stutters in a clip's last second looks like a fault of the model. Counting frames does not show it.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/lib/python.sh"

with_packages moviepy==2.2.1 numpy==2.4.6 pillow==11.3.0 imageio==2.38.1 imageio-ffmpeg==0.8.1 <<'PY'
import imageio.v3
import numpy as np
from moviepy import ImageSequenceClip


def lost(count, fps):
    """Which frames of a clip are not written, which are written again, and how many are written."""
    frames = [np.full((16, 16, 3), number, np.uint8) for number in range(count)]
    clip = ImageSequenceClip(frames, fps=fps)
    written = [int(frame[0, 0, 0]) for frame in clip.iter_frames(fps=fps)]
    missing = [number for number in range(count) if number not in written]
    twice = [number for number in range(count) if written.count(number) > 1]
    print(f"{count} frames at {fps}: {len(written)} written, missing {missing}, twice {twice}")
    return missing, twice, len(written)


def in_file(count, fps):
    """How many frames a file has that is written from this many."""
    frames = [np.full((64, 64, 3), number, np.uint8) for number in range(count)]
    ImageSequenceClip(frames, fps=fps).write_videofile("clip.mp4", logger=None)
    written = sum(1 for _ in imageio.v3.imiter("clip.mp4", plugin="FFMPEG"))
    print(f"{count} frames at {fps}: {written} in the file")
    return written


assert lost(81, 24) == ([80], [], 80)
assert lost(97, 24) == ([96], [], 96)
assert lost(120, 24) == (list(range(98, 120, 3)), list(range(97, 120, 3)), 120)
assert lost(24, 24) == ([23], [], 23)
for count, fps in ((25, 12), (49, 15), (121, 25), (121, 30), (97, 60)):
    assert lost(count, fps)[0]
for count, fps in ((81, 8), (81, 16), (121, 16)):
    assert lost(count, fps) == ([], [], count)
assert in_file(81, 24) == 80
assert in_file(81, 16) == 81
PY
