// openai of npm.

import OpenAI, { toFile } from "openai";
import {
  CANCEL_MS, EDIT_MODEL, KEY, LIMITED_KEY, MODEL, MODERATED_PROMPT, NO_MODEL, PICTURES, PROMPT,
  SLOW_MODEL, URL_V1, VIDEO_MODEL, WRONG_KEY, counted, links, picturesOfBase64, run,
} from "./calls.mjs";

const client = (apiKey = KEY) => new OpenAI({ baseURL: URL_V1, apiKey, maxRetries: 0 });
const generate = async (fields = {}, key = KEY, options = {}) =>
  (await client(key).images.generate({ model: MODEL, prompt: PROMPT, ...fields }, options)).data;
const urls = (data) => links(data.map((each) => each.url));

async function edit(count) {
  const files = await Promise.all(
    PICTURES.slice(0, count).map((bytes, number) => toFile(bytes, `${number}.png`)));
  const image = count === 1 ? files[0] : files;
  return urls((await client().images.edit({ model: EDIT_MODEL, prompt: PROMPT, image })).data);
}

async function stream() {
  let previews = 0;
  const made = [];
  for await (const event of await client().images.generate(
    { model: MODEL, prompt: PROMPT, stream: true, partial_images: 2 })) {
    if (event.type === "image_generation.partial_image") ++previews;
    if (event.type === "image_generation.completed") made.push(event.b64_json);
  }
  return `${counted(previews, "preview")}, ${picturesOfBase64(made)}`;
}

await run({
  "url": async () => urls(await generate()),
  "b64": async () =>
    picturesOfBase64((await generate({ response_format: "b64_json" })).map((each) => each.b64_json)),
  "n=3": async () => urls(await generate({ n: 3 })),
  "edit 1": () => edit(1),
  "edit 3": () => edit(3),
  "edit 8": () => edit(8),
  stream,
  "401": () => generate({}, WRONG_KEY),
  "404": () => generate({ model: NO_MODEL }),
  "400": () => generate({ n: 11 }),
  "429": async () => {
    await generate({}, LIMITED_KEY);
    await generate({}, LIMITED_KEY);
  },
  "moderated": () => generate({ prompt: MODERATED_PROMPT }),
  "video": () => client().videos.create({ model: VIDEO_MODEL, prompt: PROMPT }),
  "cancel": () =>
    generate({ model: SLOW_MODEL, n: 10 }, KEY, { signal: AbortSignal.timeout(CANCEL_MS) }),
});
