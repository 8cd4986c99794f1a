// ai with @ai-sdk/xai: a video that begins with a picture, that video with more of it, and drawn anew; then what is
// said of one that cannot be.

import { experimental_generateVideo as generateVideo } from "ai";
import { createXai } from "@ai-sdk/xai";

const model = createXai({ baseURL: `${process.env.CLIENTS_URL}/v1`, apiKey: process.env.CLIENTS_KEY })
  .video("grok-imagine-video");

// By itself it fetches nothing from an address of this machine.
const download = async ({ url }) => {
  const answer = await fetch(url);
  return { data: new Uint8Array(await answer.arrayBuffer()), mediaType: answer.headers.get("content-type") };
};

async function make(name, prompt, xai = {}, fields = {}) {
  try {
    const made = await generateVideo({
      model, prompt, maxRetries: 0, poll: { intervalMs: 200 }, download, providerOptions: { xai }, ...fields,
    });
    const told = made.providerMetadata.xai.videos?.[0] ?? made.providerMetadata.xai;
    const isClip = Buffer.from(made.video.uint8Array.slice(4, 8)).toString() === "ftyp";
    console.log(`${name}\t${isClip ? "a clip" : "no clip"} of ${told.duration} s, ${made.warnings.length} warnings`);
    return told.videoUrl;
  } catch (error) {
    console.log(`${name}\t${error.message}`);
  }
}

const url = await make("picture", { text: "it grows", image: process.env.CLIENTS_PICTURE }, {}, { duration: 2 });
await make("more", "it snows", { mode: "extend-video", videoUrl: url }, { duration: 1 });
await make("anew", "in blue", { mode: "edit-video", videoUrl: url });
await make("broken", { text: "it grows", image: "data:image/png;base64,aGVsbG8=" });
