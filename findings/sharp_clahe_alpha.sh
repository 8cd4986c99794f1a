#!/usr/bin/env bash
# sharp's clahe(), which is for contrast, makes what is transparent visible.
#
# Seen with sharp 0.35.5. "Contrast limiting adaptive histogram equalization" is to bring out details in the dark. It is done to each channel by itself, and the
# alpha channel is one. Of a drawing that is cut out, what was fully transparent has an alpha of 85 after clahe({width: 3, height: 3}), and what
# was half so, 128, has 170; with `maxSlope: 0`, no limit, all of it is opaque. Of wide windows with the usual limit of 3 little is
# seen, 11 for windows of 8. normalise(), the other way to more contrast, leaves alpha as it is, and so do modulate, gamma, linear and sharpen.
#
# Why it matters: around each cut-out lies a veil, in whatever colour was stored under it, and a mask in the alpha channel marks another
# part. A JPEG or an opaque test picture shows nothing. Put the alpha channel aside with extractChannel and join it again.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/lib/node.sh"

with_npm sharp@0.35.5 <<'JS'
import assert from "node:assert/strict";
import sharp from "sharp";

const SIDE = 64;
// A textured square, opaque, inside a half transparent frame; transparent outside.
const pixels = Buffer.alloc(SIDE * SIDE * 4);
for (let y = 0; y < SIDE; y++) {
  for (let x = 0; x < SIDE; x++) {
    const from = Math.max(Math.abs(x - 31.5), Math.abs(y - 31.5));
    pixels.set([90 + (x * 7) % 40, 80 + (y * 5) % 40, 100, from < 8 ? 255 : from < 16 ? 128 : 0], (y * SIDE + x) * 4);
  }
}
const picture = () => sharp(pixels, { raw: { width: SIDE, height: SIDE, channels: 4 } });

async function alphas(what, image) {
  const data = await image.raw().toBuffer();
  const at = (x) => data[(32 * SIDE + x) * 4 + 3];
  const seen = [at(2), at(20), at(32)];
  console.log(`${what}: alpha outside, in the frame and inside ${seen}`);
  return seen;
}

assert.deepEqual(await alphas("as it was", picture()), [0, 128, 255]);
const others = { normalise: (s) => s.normalise(), modulate: (s) => s.modulate({ brightness: 1.2 }),
  gamma: (s) => s.gamma(), linear: (s) => s.linear(1.2, 5), sharpen: (s) => s.sharpen({ sigma: 1 }) };
for (const [name, change] of Object.entries(others)) {
  assert.deepEqual(await alphas(name, change(picture())), [0, 128, 255]);
}
const window = (side, more) => picture().clahe({ width: side, height: side, ...more });
assert.deepEqual(await alphas("clahe, windows of 3", window(3)), [85, 170, 255]);
assert.deepEqual(await alphas("clahe, windows of 3, no limit", window(3, { maxSlope: 0 })), [255, 255, 255]);
const [outside, frame] = await alphas("clahe, windows of 8", window(8));
assert(outside > 5 && frame > 128);
JS
