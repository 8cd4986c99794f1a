// Vercel's AI SDK with one of its providers.

import { experimental_generateVideo as generateVideo, generateImage } from "ai";
import {
  CANCEL_MS, EDIT_MODEL, KEY, LIMITED_KEY, MODEL, MODERATED_PROMPT, NO_MODEL, PICTURES, PROMPT,
  SLOW_MODEL, URL_V1, VIDEO_MODEL, WRONG_KEY, clip, pictures, run,
} from "./calls.mjs";

// `moreCalls` of what one of them has alone.
export async function tryProvider(create, moreCalls = {}) {
  const generate = async (fields = {}, key = KEY, model = MODEL) => {
    const made = await generateImage({
      model: create({ baseURL: URL_V1, apiKey: key }).image(model), prompt: PROMPT, maxRetries: 0, ...fields,
    });
    return pictures(made.images.map((image) => image.uint8Array));
  };
  const edit = (count) =>
    generate({ prompt: { text: PROMPT, images: PICTURES.slice(0, count) } }, KEY, EDIT_MODEL);

  await run({
    "b64": () => generate(),
    "n=3": () => generate({ n: 3 }),
    "edit 1": () => edit(1),
    "edit 3": () => edit(3),
    "edit 8": () => edit(8),
    "401": () => generate({}, WRONG_KEY),
    "404": () => generate({}, KEY, NO_MODEL),
    "400": () => generate({ n: 11, maxImagesPerCall: 11 }),
    "429": async () => {
      await generate({}, LIMITED_KEY);
      await generate({}, LIMITED_KEY);
    },
    ...moreCalls,
    "moderated": () => generate({ prompt: MODERATED_PROMPT }),
    "cancel": () =>
      generate({ n: 10, maxImagesPerCall: 10, abortSignal: AbortSignal.timeout(CANCEL_MS) }, KEY, SLOW_MODEL),
  });
}

// By itself it fetches nothing from an address of this machine.
const download = async ({ url }) => {
  const answer = await fetch(url);
  return { data: new Uint8Array(await answer.arrayBuffer()), mediaType: answer.headers.get("content-type") };
};

export const video = async (create) => {
  const made = await generateVideo({
    model: create({ baseURL: URL_V1, apiKey: KEY }).video(VIDEO_MODEL), prompt: PROMPT, maxRetries: 0,
    duration: 1, poll: { intervalMs: 200 }, download,
  });
  return clip(made.video.uint8Array, 1);
};
