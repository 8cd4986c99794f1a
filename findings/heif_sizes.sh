#!/usr/bin/env bash
# Three libraries that tell a picture's size without decoding it give a HEIF another height, or another width too, than it has.
#
# Seen with image-size 2.1.0 and probe-image-size 7.5.0 of npm and imagesize 2.0.1 of PyPI, on files by pillow_heif 1.8.1 (libheif, x265). HEVC codes
# whole blocks: 100 x 37 pixels are kept as 100 x 64 (`ispe`), and `clap` says what of it is the picture. probe-image-size and imagesize give what is
# kept. image-size gives a third number, 99 x 64, and 1023 x 768 for 1023 x 767. Where both sides are whole blocks, and in AVIF, all are right.
# Pillow with pillow_heif gives the true sizes back.
#
# Why it matters: these numbers choose the size or the aspect ratio of an order, and a mask that is made in that size does not fit the picture. A server
# that has decoded the picture knows better; its errors should name the size that it found.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/lib/node.sh"
. "$(dirname "${BASH_SOURCE[0]}")/lib/python.sh"

files=$(mktemp -d)
trap 'rm -rf "$files"' EXIT
export HEIF_FILES=$files # where the one leaves its files for the other

with_packages pillow_heif==1.8.1 pillow==13.0.0 imagesize==2.0.1 <<'PY'
import os

import imagesize
import pillow_heif
from PIL import Image

pillow_heif.register_heif_opener()
wanted = {(100, 37): (100, 64), (1023, 767): (1024, 768), (1024, 768): (1024, 768)}
for size, kept in wanted.items():
    picture = Image.new("RGB", size, (200, 100, 50))
    for ending in ("heic", "avif"):
        name = f"{os.environ['HEIF_FILES']}/{size[0]}x{size[1]}.{ending}"
        picture.save(name)
        told = imagesize.get(name)
        print(size, ending, "is", Image.open(name).size, "and for imagesize", told)
        assert Image.open(name).size == size
        assert told == (kept if ending == "heic" else size)
PY

with_npm image-size@2.1.0 probe-image-size@7.5.0 <<'JS'
import assert from "node:assert/strict";
import fs from "node:fs";
import { imageSize } from "image-size";
import probe from "probe-image-size";

const seen = {};
for (const name of fs.readdirSync(process.env.HEIF_FILES).sort()) {
  const file = fs.readFileSync(`${process.env.HEIF_FILES}/${name}`);
  seen[name] = [imageSize(file), probe.sync(file)].map(({ width, height }) => `${width}x${height}`);
  console.log(name, "for image-size", seen[name][0], "and for probe-image-size", seen[name][1]);
}
assert.deepEqual(seen, {
  "100x37.avif": ["100x37", "100x37"],
  "100x37.heic": ["99x64", "100x64"],
  "1023x767.avif": ["1023x767", "1023x767"],
  "1023x767.heic": ["1023x768", "1024x768"],
  "1024x768.avif": ["1024x768", "1024x768"],
  "1024x768.heic": ["1024x768", "1024x768"],
});
JS
