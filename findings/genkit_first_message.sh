#!/usr/bin/env bash
# Genkit orders a picture by the first message alone: with a system text what the user wants is not sent, nor is the picture to change.
#
# Seen with genkit 1.42.0 and @genkit-ai/compat-oai 1.42.0, its plugins for xAI and OpenAI. `generate({system: "Draw in ink.", prompt: "a red
# house"})` at an image model orders "Draw in ink."; of a conversation that ends in "now blue" it orders the beginning again. A picture beside the
# prompt, which is how an edit is asked for, goes nowhere, though the model says that it takes no media: the order goes to /images/generations
# without it. What comes back is called image/png, whatever `mime_type` or the output_format that was asked for says. And xAI's image models whose
# names are not in the plugin's list of one, grok-imagine-image among them, are asked at /chat/completions, though `xAI.model()` knows them for such.
#
# Why it matters: pictures are made and billed that nobody has described, without an error. A server that knows the name had better say, where a
# chat is asked of a model for pictures, which path to use.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/lib/node.sh"

with_npm genkit@1.42.0 @genkit-ai/compat-oai@1.42.0 <<'JS'
import assert from "node:assert/strict";
import http from "node:http";
import { openAI } from "@genkit-ai/compat-oai/openai";
import { xAI } from "@genkit-ai/compat-oai/xai";
import { genkit } from "genkit";

const jpeg = "/9j/4AAQSkZJRg==";
let orders = [];
const server = http.createServer(async (request, response) => {
  orders.push([request.url, JSON.parse(Buffer.concat(await request.toArray()))]);
  response.setHeader("content-type", "application/json");
  response.end(JSON.stringify(request.url === "/v1/images/generations"
    ? { created: 1, data: [{ b64_json: jpeg, mime_type: "image/jpeg" }] }
    : { id: "c", object: "chat.completion", created: 1, model: "m",
      choices: [{ index: 0, message: { role: "assistant", content: "a text" }, finish_reason: "stop" }] }));
});
await new Promise((listening) => server.listen(0, "127.0.0.1", listening));
const there = { apiKey: "k", baseURL: `http://127.0.0.1:${server.address().port}/v1` };
const ai = genkit({ plugins: [xAI(there), openAI(there)] });
const grok = xAI.model("grok-2-image-1212");
const gpt = openAI.model("gpt-image-1");
const picture = { media: { url: "data:image/png;base64,iVBORw0KGgo=", contentType: "image/png" } };

/** The path of the one order that a call makes, its prompt, and what the picture in the answer is called. */
async function ordered(what, call) {
  orders = [];
  const { message } = await ai.generate(call);
  assert.equal(orders.length, 1);
  const [path, order] = orders[0];
  const seen = [path, order.prompt, message.content[0].media?.contentType];
  console.log(`${what}: ${path}, prompt ${JSON.stringify(order.prompt)}, answer ${seen[2] ?? "a text"}`);
  assert(path.endsWith("completions") || !JSON.stringify(order).includes("iVBORw0KGgo"));
  return seen;
}

const generations = "/v1/images/generations";
for (const model of [grok, gpt]) {
  const call = (rest) => ordered(model.name, { model, ...rest });
  assert.deepEqual(await call({ prompt: "a red house" }), [generations, "a red house", "image/png"]);
  assert.deepEqual(await call({ system: "Draw in ink.", prompt: "a red house" }),
    [generations, "Draw in ink.", "image/png"]);
  assert.deepEqual(await call({ messages: ["a red house", "here it is", "now blue"].map((text, turn) => (
    { role: turn % 2 ? "model" : "user", content: [{ text }] })) }), [generations, "a red house", "image/png"]);
  assert.deepEqual(await call({ prompt: [{ text: "make it blue" }, picture] }),
    [generations, "make it blue", "image/png"]);
}
assert.deepEqual(await ordered("JPEG", { model: gpt, prompt: "p", config: { output_format: "jpeg" } }),
  [generations, "p", "image/png"]);
assert.equal(orders[0][1].output_format, "jpeg");

const imagine = xAI.model("grok-imagine-image");
assert.deepEqual(imagine.info.supports.output, ["media"]); // known for a model of pictures
assert.deepEqual(await ordered(imagine.name, { model: imagine, prompt: "a red house" }),
  ["/v1/chat/completions", undefined, undefined]);
process.exit(0);
JS
