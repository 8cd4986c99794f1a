#!/usr/bin/env bash
# A white picture that Transformers.js enlarges has a dark edge on the right and below, and all in it stands further left and up.
#
# Seen with @huggingface/transformers 4.3.2 and sharp 0.35.5, under Node. RawImage.resize, bilinear as it stands or bicubic, and the image processors
# with it, place pixels by their corner instead of their middle, and what lies past the last one is mixed with black. Enlarged four times the last three
# columns and rows of white are 191, 128 and 64, and an edge in the middle is one and a half pixels off. Its source says that this is how
# Pillow does it; there, and with Lanczos here, which sharp does another way, white stays white and the edge in the middle. Made
# smaller, pixels are taken and not averaged: black lines, one of eight pixels, are all gone, and Lanczos keeps what they darken.
#
# Why it matters: the same model sees another picture in JavaScript than in Python. A 64 pixel drawing for CLIP's 224 has a black seam, and a
# mask that is enlarged to its picture is moved. Bring the picture to size with sharp before.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/lib/node.sh"

with_npm @huggingface/transformers@4.3.2 sharp@0.35.5 <<'JS'
import assert from "node:assert/strict";
import { CLIPImageProcessor, RawImage } from "@huggingface/transformers";
import sharp from "sharp";

/** A grey picture, side by side, of what is told for each column. */
function columns(side, value) {
  const pixels = Array.from({ length: side * side }, (_, at) => value(at % side));
  return new RawImage(new Uint8ClampedArray(pixels), side, side, 1);
}
const row = ({ data, width }, y) => [...data.slice(y * width, (y + 1) * width)];
const column = ({ data, width }, x) => [...data].filter((_, at) => at % width === x);
const mean = ({ data }) => data.reduce((sum, value) => sum + value) / data.length;
const white = () => 255;

for (const resample of [undefined, "bilinear", "bicubic", "lanczos"]) {
  const options = resample && { resample };
  const plain = await columns(8, white).resize(32, 32, options);
  const ends = [row(plain, 0).slice(-4), column(plain, 0).slice(-4)];
  const step = row(await columns(8, (x) => (x < 4 ? 0 : 255)).resize(32, 32, options), 16);
  const half = step.findIndex((value) => value >= 128);
  const lines = mean(await columns(64, (x) => (x % 8 === 1 ? 0 : 255)).resize(16, 16, options));
  console.log(`${resample ?? "as it stands"}: the end of white ${ends.join(" and ")}; half is at column ${half} of 32: ` +
    `${step.slice(12, 20)}; the mean of lines ${lines}`);
  if (resample === "lanczos") {
    assert.deepEqual(ends, [[255, 255, 255, 255], [255, 255, 255, 255]]);
    assert.equal(half, 16);
    assert(Math.abs(lines - 255 * 7 / 8) < 2);
  } else {
    const fading = resample === "bicubic" ? [255, 203, 128, 52] : [255, 191, 128, 64];
    assert.deepEqual(ends, [fading, fading]);
    assert.equal(half, 14);
    assert.equal(lines, 255);
  }
}

// sharp itself, bicubic.
const raw = { width: 8, height: 8, channels: 1 };
const bySharp = await sharp(Buffer.alloc(64, 255), { raw }).resize(32, 32, { kernel: "cubic" }).raw().toBuffer();
assert(bySharp.every((value) => value === 255));

// What a model is given, from 0 to 1.
const size = { height: 224, width: 224 };
const processor = new CLIPImageProcessor({ do_resize: true, size, do_center_crop: false, do_normalize: false,
  do_rescale: true, rescale_factor: 1 / 255, resample: 3 });
const { pixel_values } = await processor(columns(64, white));
const given = [...pixel_values.data.slice(0, 224)];
console.log("CLIP is shown white as", given.slice(-4).map((value) => value.toFixed(2)).join(" "));
assert(given.slice(0, -3).every((value) => value > 0.99) && given.at(-1) < 0.3);
JS
