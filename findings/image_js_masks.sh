#!/usr/bin/env bash
# image-js reads a black and white PNG as another pattern, and a BMP with a palette as the numbers of its colours.
#
# Seen with image-js 1.7.0; jimp 1.6.1 reads all of these right. In a PNG of one bit a sample, as Pillow writes a mask of mode "1", a byte holds
# eight pixels. Of a mask 32 pixels wide whose left half is white `decode` makes runs of 8 and 16 pixels that stand elsewhere in each row, with half as much
# white, and in the right size. Grey of two or four bits raises an error. A BMP of eight bits whose palette has colours becomes a grey picture
# of the palette's indices: orange and blue are 0 and 1, two blacks. A PNG with a palette is right.
#
# Why it matters: masks are the pictures that are stored with one bit, and small drawings with a palette. Nothing is raised, the size is as expected, and
# an edit changes other places than were marked. Send masks with eight bits.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/lib/node.sh"

with_npm image-js@1.7.0 jimp@1.6.1 <<'JS'
import assert from "node:assert/strict";
import zlib from "node:zlib";
import { decode } from "image-js";
import { Jimp } from "jimp";

const WIDTH = 32;
const middle = 3; // the row that is looked at

function chunk(name, data) {
  const body = Buffer.concat([Buffer.from(name), data]);
  let sum = ~0;
  for (const byte of body) {
    sum ^= byte;
    for (let bit = 0; bit < 8; bit++) sum = sum & 1 ? (sum >>> 1) ^ 0xedb88320 : sum >>> 1;
  }
  const [length, end] = [Buffer.alloc(4), Buffer.alloc(4)];
  length.writeUInt32BE(data.length);
  end.writeUInt32BE(~sum >>> 0);
  return Buffer.concat([length, body, end]);
}

/** A grey PNG, WIDTH by WIDTH, of `bits` a sample, whose left half is white and whose right half is black. */
function png(bits) {
  const head = Buffer.alloc(13);
  head.writeUInt32BE(WIDTH, 0);
  head.writeUInt32BE(WIDTH, 4);
  head[8] = bits;
  const half = (WIDTH / 2) * bits / 8;
  const row = Buffer.concat([Buffer.from([0]), Buffer.alloc(half, 255), Buffer.alloc(half)]);
  return Buffer.concat([Buffer.from("\x89PNG\r\n\x1a\n", "latin1"), chunk("IHDR", head),
    chunk("IDAT", zlib.deflateSync(Buffer.concat(Array(WIDTH).fill(row)))), chunk("IEND", Buffer.alloc(0))]);
}

/** A BMP of eight bits a pixel whose left half has the palette's first colour and whose right half has its second. */
function bmp(...colours) {
  const head = Buffer.alloc(54);
  head.write("BM");
  head.writeUInt32LE(54 + 8 + WIDTH * WIDTH, 2);
  head.writeUInt32LE(54 + 8, 10); // where the pixels begin
  head.writeUInt32LE(40, 14);
  head.writeInt32LE(WIDTH, 18);
  head.writeInt32LE(WIDTH, 22);
  head.writeUInt16LE(1, 26);
  head.writeUInt16LE(8, 28);
  head.writeUInt32LE(WIDTH * WIDTH, 34);
  head.writeUInt32LE(2, 46);
  const palette = Buffer.from(colours.flatMap(([red, green, blue]) => [blue, green, red, 0]));
  const row = Buffer.concat([Buffer.alloc(WIDTH / 2, 0), Buffer.alloc(WIDTH / 2, 1)]);
  return Buffer.concat([head, palette, ...Array(WIDTH).fill(row)]);
}

/** One row as runs of equal pixels, "value x count". */
function runs(pixels) {
  const found = [];
  for (const pixel of pixels.map(String)) {
    if (found.at(-1)?.[0] === pixel) found.at(-1)[1]++;
    else found.push([pixel, 1]);
  }
  return found.map(([pixel, count]) => `${pixel} x ${count}`).join(" | ");
}

const columns = [...Array(WIDTH).keys()];
function byImageJs(file) {
  const image = decode(file);
  assert.deepEqual([image.width, image.height], [WIDTH, WIDTH]);
  return runs(columns.map((column) => image.getPixel(column, middle)));
}
async function byJimp(file) {
  const { data } = (await Jimp.read(file)).bitmap;
  return runs(columns.map((column) => [...data.subarray((middle * WIDTH + column) * 4).subarray(0, 3)]));
}
async function see(what, file, imageJs, jimp) {
  const seen = [byImageJs(file), await byJimp(file)];
  console.log(`${what}\n  image-js: ${seen[0]}\n  jimp: ${seen[1]}`);
  assert.deepEqual(seen, [imageJs, jimp]);
}

const halves = "255,255,255 x 16 | 0,0,0 x 16";
await see("PNG, 8 bits", png(8), "255 x 16 | 0 x 16", halves);
await see("PNG, 1 bit", png(1), "255 x 8 | 0 x 16 | 255 x 8", halves);
for (const bits of [2, 4]) {
  assert.equal(await byJimp(png(bits)), halves);
  assert.throws(() => decode(png(bits)), /incorrect data size/);
}
await see("BMP, orange and blue", bmp([200, 100, 50], [0, 0, 255]), "0 x 16 | 1 x 16",
  "200,100,50 x 16 | 0,0,255 x 16");
JS
