#!/usr/bin/env bash
# Jimp mixes colours that nobody sees, those under fully transparent pixels, into the edges of what is seen.
#
# Seen with jimp 1.6.1. The left of a picture is opaque red, the right fully transparent with green beneath. Halved with Jimp's own resize the edge is
# red, half transparent. With bicubicInterpolation, hermiteInterpolation or bezierInterpolation it has green in it, at three quarters of alpha, and
# `blur` and `gaussian` make a fringe that is greener than red where it is still 40 % opaque. Nothing is said of
# it, and the pictures look right wherever all is opaque.
#
# Why it matters: tools that cut a figure out leave the old background under its alpha. Made smaller or softened on the way to an edit, the figure
# gets a rim of it. Which of Jimp's filters is used decides, and no test with opaque pictures shows it.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/lib/node.sh"

with_npm jimp@1.6.1 <<'JS'
import assert from "node:assert/strict";
import { Jimp, ResizeStrategy } from "jimp";

const SIDE = 64;
const data = Buffer.alloc(SIDE * SIDE * 4);
for (let pixel = 0; pixel < SIDE * SIDE; pixel++) {
  data.set(pixel % SIDE < SIDE / 2 + 1 ? [200, 0, 0, 255] : [0, 255, 0, 0], pixel * 4);
}

/** The most green among the pixels of the middle row that can be seen, with an alpha of 64 or more. */
function green(what, change) {
  const image = new Jimp({ data: Buffer.from(data), width: SIDE, height: SIDE });
  change(image);
  const { width, height, data: pixels } = image.bitmap;
  const row = [...Array(width).keys()].map((column) => {
    const at = ((height >> 1) * width + column) * 4;
    return [...pixels.subarray(at, at + 4)];
  });
  const worst = row.filter(([, , , alpha]) => alpha >= 64).reduce((one, other) => (other[1] > one[1] ? other : one));
  console.log(`${what}: ${worst}`);
  return worst[1];
}

const half = { w: SIDE / 2, h: SIDE / 2 };
assert.equal(green("unchanged", () => {}), 0);
assert.equal(green("resize", (image) => image.resize(half)), 0);
for (const mode of [ResizeStrategy.BICUBIC, ResizeStrategy.HERMITE, ResizeStrategy.BEZIER]) {
  assert(green(`resize, ${mode}`, (image) => image.resize({ ...half, mode })) > 50);
}
assert(green("blur", (image) => image.blur(2)) > 100);
assert(green("gaussian", (image) => image.gaussian(2)) > 100);
JS
