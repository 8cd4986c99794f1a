// What a script of a JavaScript client shares with the others: where the server is, and how a cell is told.

import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";

const given = (name) => process.env[`CLIENTS_${name}`];
export const URL_V1 = given("URL") + "/v1";
export const KEY = given("KEY");
export const WRONG_KEY = given("WRONG_KEY");
export const LIMITED_KEY = given("LIMITED_KEY");
export const MODEL = "grok-imagine-image";
export const EDIT_MODEL = "grok-imagine-image-quality";
export const SLOW_MODEL = "slow";
export const NO_MODEL = "no-such-model";
export const VIDEO_MODEL = "grok-imagine-video";
export const PROMPT = "a red house beside two trees";
export const MODERATED_PROMPT = "a catapult on a hill";
export const CANCEL_MS = 2000;
export const PICTURES = given("PICTURES").split(path.delimiter).map((name) => fs.readFileSync(name));

export const counted = (number, what) => `${number} ${what}${number === 1 ? "" : "s"}`;

const isJpeg = (bytes) => bytes[0] === 0xff && bytes[1] === 0xd8;

// Each is followed, without a key.
export async function links(urls) {
  for (const url of urls) {
    const answer = await fetch(url);
    assert(answer.ok && isJpeg(new Uint8Array(await answer.arrayBuffer())), "no JPEG behind the link");
  }
  return counted(urls.length, "link");
}

export function clip(file, seconds) {
  assert(Buffer.from(file.slice(4, 8)).toString() === "ftyp", "not an MP4");
  return `1 clip of ${counted(seconds, "second")}`;
}

export function pictures(files) {
  assert(files.every(isJpeg), "not a JPEG");
  return counted(files.length, "picture");
}

export const picturesOfBase64 = (texts) => pictures(texts.map((text) => Buffer.from(text, "base64")));

// Makes each call and prints a line for it: what came, or what was thrown, as a developer sees it.
export async function run(calls) {
  for (const [name, call] of Object.entries(calls)) {
    let cell;
    try {
      cell = String((await call()) ?? "");
    } catch (error) {
      cell = `\`${error.constructor.name}: ${error.message}\``;
    }
    console.log(`${name}\t${cell.replace(/\s+/g, " ")}`);
  }
}
