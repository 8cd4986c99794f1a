#!/usr/bin/env bash
# With @ai-sdk/xai the picture that a model drew is not in the next request, and one in an assistant's message goes to no model, mostly without a word.
#
# Seen with ai 7.0.173, @ai-sdk/xai 5.0.12, @ai-sdk/openai 4.0.118 and @ai-sdk/openai-compatible 3.0.92. The AI SDK's way to go on is to push
# `response.messages` and ask again. Of a Responses answer that has drawn, they hold the call of `image_generation` and its result. @ai-sdk/openai makes
# an item_reference of them (with `store: false` nothing, and a warning). @ai-sdk/xai makes nothing of them and warns of nothing: "Here it is." is all that
# the model gets of its own picture. The other way, a `file` part in the assistant's message, which the type
# AssistantContent has, is dropped without a warning by `openai.chat`, `openai.responses` and openai-compatible; xai says "does not support file".
#
# Why it matters: "now blue" comes to the model without the picture, and what is drawn and billed is another house. Put the picture
# into the user's message, where all of them send it.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/lib/node.sh"

with_npm ai@7.0.173 @ai-sdk/xai@5.0.12 @ai-sdk/openai@4.0.118 @ai-sdk/openai-compatible@3.0.92 <<'JS'
import assert from "node:assert/strict";
import http from "node:http";
import { createOpenAI } from "@ai-sdk/openai";
import { createOpenAICompatible } from "@ai-sdk/openai-compatible";
import { createXai } from "@ai-sdk/xai";
import { generateText } from "ai";

globalThis.AI_SDK_LOG_WARNINGS = false;
const picture = "iVBORw0KGgo=";
const said = { type: "output_text", text: "Here it is.", annotations: [], logprobs: [] };
const drawn = {
  id: "resp_1", object: "response", created_at: 1, status: "completed", model: "m", output: [
    { type: "image_generation_call", id: "ig_1", status: "completed", result: picture },
    { type: "message", id: "msg_1", status: "completed", role: "assistant", content: [said] }],
  usage: { input_tokens: 1, output_tokens: 1, total_tokens: 2 },
};
const spoken = {
  id: "c", object: "chat.completion", created: 1, model: "m",
  choices: [{ index: 0, finish_reason: "stop", message: { role: "assistant", content: "Here it is." } }],
};
let body;
const server = http.createServer(async (request, response) => {
  body = JSON.parse(Buffer.concat(await request.toArray()));
  response.setHeader("content-type", "application/json");
  response.end(JSON.stringify(request.url.endsWith("/responses") ? drawn : spoken));
});
await new Promise((listening) => server.listen(0, "127.0.0.1", listening));
const settings = { baseURL: `http://127.0.0.1:${server.address().port}/v1`, apiKey: "k" };
const [openai, xai] = [createOpenAI(settings), createXai(settings)];
const compatible = createOpenAICompatible({ ...settings, name: "ours" });
const asked = { role: "user", content: "a red house" }, next = { role: "user", content: "now blue" };

/** Asks, and says whether the request had the picture, by its bytes or its id, and how many warnings came. */
async function sent(what, options) {
  const { warnings } = await generateText(options);
  const text = JSON.stringify(body.input ?? body.messages);
  const how = text.includes(picture) ? "its bytes" : text.includes("ig_1") ? "its id" : "nothing";
  console.log(`${what}: of the picture ${how} is sent, ${warnings.length} warnings`);
  assert(text.includes("now blue"));
  return [how, warnings.length];
}

async function afterDrawing(what, options) {
  const first = await generateText({ ...options, prompt: asked.content });
  const [content] = first.response.messages.map((message) => message.content);
  assert.deepEqual(content.map((part) => part.type), ["tool-call", "tool-result", "text"]);
  assert(JSON.stringify(content).includes(picture));
  return sent(`${what}, response.messages`, { ...options, messages: [asked, ...first.response.messages, next] });
}

const tools = { image_generation: openai.tools.imageGeneration({}) };
assert.deepEqual(await afterDrawing("openai.responses", { model: openai.responses("gpt-5"), tools }), ["its id", 0]);
assert.deepEqual(await afterDrawing("openai.responses, store: false", {
  model: openai.responses("gpt-5"), tools, providerOptions: { openai: { store: false } },
}), ["nothing", 1]);
assert.deepEqual(await afterDrawing("xai", { model: xai("grok") }), ["nothing", 0]);
assert.deepEqual(await afterDrawing("xai.responses", { model: xai.responses("grok") }), ["nothing", 0]);

const file = { type: "file", data: picture, mediaType: "image/png" };
const here = { type: "text", text: "Here it is." };
for (const [what, model, warnings] of [
  ["openai.chat", openai.chat("gpt-4o"), 0], ["openai.responses", openai.responses("gpt-5"), 0],
  ["openai-compatible", compatible("m"), 0], ["xai", xai("grok"), 1],
]) {
  const ofAssistant = [asked, { role: "assistant", content: [here, file] }, next];
  const ofUser = [asked, { role: "assistant", content: "Here it is." }, { role: "user", content: [file, { type: "text", text: next.content }] }];
  assert.deepEqual(await sent(`${what}, assistant's file`, { model, messages: ofAssistant }), ["nothing", warnings]);
  assert.deepEqual(await sent(`${what}, user's file`, { model, messages: ofUser }), ["its bytes", 0]);
}
process.exit(0);
JS
