#!/usr/bin/env bash
# OpenCV's YUV has no room in a byte for red and cyan, and its XYZ none for white: there and back red is brick and white is cream.
#
# Seen with opencv-python-headless 5.0.0.93. COLOR_RGB2YUV is no YCbCr, as the name is used elsewhere: V is 0.877 (R - Y), as for analog
# television, and goes 29 steps beyond both ends of a byte for red and for cyan. There it is cut off: (255, 0, 0) comes back from COLOR_YUV2RGB as (221, 17, 1) and cyan
# as (33, 239, 254). COLOR_RGB2YCrCb keeps both within 1. Of COLOR_RGB2XYZ Z goes to 1.09 for white and is cut too: white comes back as (255, 254, 231), and so do
# light greys, bluer the brighter they are. Pictures of floats come back right, so what is lost is lost in the byte.
#
# Why it matters: "to YUV, work on Y, back" is the usual way to sharpen or equalize without touching colours. It changes the colours before
# anything is done, of cartoons and signs, whose red is pure. A photograph may show nothing. Take YCrCb.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/lib/python.sh"

with_packages opencv-python-headless==5.0.0.93 numpy==2.4.6 <<'PY'
import cv2
import numpy as np

RED, CYAN, WHITE, GREY = (255, 0, 0), (0, 255, 255), (255, 255, 255), (250, 250, 250)


def there_and_back(space, colour):
    there, back = getattr(cv2, f"COLOR_RGB2{space}"), getattr(cv2, f"COLOR_{space}2RGB")
    pixel = np.array([[colour]], np.uint8)
    kept = cv2.cvtColor(pixel, there)
    result = cv2.cvtColor(kept, back)[0, 0].tolist()
    exact = cv2.cvtColor(cv2.cvtColor(pixel.astype(np.float32) / 255, there), back) * 255
    assert np.abs(exact - pixel).max() < 1
    print(f"{space}: {colour} is kept as {kept[0, 0].tolist()} and comes back as {tuple(result)}")
    return kept[0, 0].tolist(), tuple(result)


assert there_and_back("YUV", RED) == ([76, 91, 255], (221, 17, 1))
assert there_and_back("YUV", CYAN) == ([179, 165, 0], (33, 239, 254))
assert there_and_back("YUV", WHITE)[1] == WHITE
floats = [cv2.cvtColor(np.float32([[colour]]) / 255, cv2.COLOR_RGB2YUV)[0, 0, 2] * 255 for colour in (RED, CYAN)]
print("V in floats, times 255:", floats)
assert 283 < floats[0] < 285 and -30 < floats[1] < -28

for colour in (RED, CYAN, WHITE):
    back = there_and_back("YCrCb", colour)[1]
    assert max(abs(a - b) for a, b in zip(back, colour)) <= 1

assert there_and_back("XYZ", WHITE) == ([242, 255, 255], (255, 254, 231))
assert there_and_back("XYZ", GREY)[1][2] < 235
assert there_and_back("XYZ", RED)[1] == RED

# The usual recipe, with nothing done to Y.
picture = np.full((32, 32, 3), RED, np.uint8)
y, u, v = cv2.split(cv2.cvtColor(picture, cv2.COLOR_RGB2YUV))
same = cv2.cvtColor(cv2.merge([y, u, v]), cv2.COLOR_YUV2RGB)
assert same[16, 16].tolist() == [221, 17, 1]
PY
