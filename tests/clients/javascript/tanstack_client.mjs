// @tanstack/ai with @tanstack/ai-grok.

import { generateImage, generateVideo, getVideoJobStatus } from "@tanstack/ai";
import { createGrokImage, createGrokVideo } from "@tanstack/ai-grok";
import {
  CANCEL_MS, EDIT_MODEL, KEY, LIMITED_KEY, MODEL, MODERATED_PROMPT, NO_MODEL, PICTURES, PROMPT,
  SLOW_MODEL, URL_V1, VIDEO_MODEL, WRONG_KEY, clip, links, picturesOfBase64, run,
} from "./calls.mjs";

const generate = async (fields = {}, key = KEY, model = MODEL, config = {}) =>
  (await generateImage({
    adapter: createGrokImage(model, key, { baseURL: URL_V1, maxRetries: 0, ...config }),
    prompt: PROMPT, debug: false, ...fields,
  })).images;
const urls = (images) => links(images.map((image) => image.url));

const edit = async (count) => urls(await generate({
  prompt: [
    { type: "text", content: PROMPT },
    ...PICTURES.slice(0, count).map((bytes) => ({
      type: "image",
      source: { type: "data", value: bytes.toString("base64"), mimeType: "image/png" },
    })),
  ],
}, KEY, EDIT_MODEL));

await run({
  "url": async () => urls(await generate()),
  "b64": async () => picturesOfBase64(
    (await generate({ modelOptions: { response_format: "b64_json" } })).map((image) => image.b64Json)),
  "n=3": async () => urls(await generate({ numberOfImages: 3 })),
  "edit 1": () => edit(1),
  "edit 3": () => edit(3),
  "edit 8": () => edit(8),
  "401": () => generate({}, WRONG_KEY),
  "404": () => generate({}, KEY, NO_MODEL),
  "400": () => generate({ numberOfImages: 11 }),
  "429": async () => {
    await generate({}, LIMITED_KEY);
    await generate({}, LIMITED_KEY);
  },
  "moderated": () => generate({ prompt: MODERATED_PROMPT }),
  "video": async () => {
    const adapter = createGrokVideo(VIDEO_MODEL, KEY, { baseURL: URL_V1, maxRetries: 0 });
    const { jobId } = await generateVideo({ adapter, prompt: PROMPT, duration: 1, debug: false });
    for (;;) {
      const { status, url, error } = await getVideoJobStatus({ adapter, jobId });
      if (status === "failed") throw new Error(error);
      if (status === "completed") return clip(await (await fetch(url)).arrayBuffer(), 1);
      await new Promise((wake) => setTimeout(wake, 200));
    }
  },
  "cancel": () => generate({ numberOfImages: 10 }, KEY, SLOW_MODEL, { timeout: CANCEL_MS }),
});
