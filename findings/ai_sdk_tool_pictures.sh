#!/usr/bin/env bash
# Vercel's AI SDK gives a model the picture of a tool over the chat API as a text of its base64.
#
# Seen with ai 7.0.173 and @ai-sdk/openai 4.0.118. A tool's `toModelOutput` says what the model is to see of its result, and a part of type
# `file` with a media type of image/png is documented for pictures. Over the Responses API it becomes an `input_image`. With
# `openai.chat(...)` the same part becomes JSON text in the tool's message, the base64 in it. Nothing is raised or warned of.
#
# Why it matters: a model that is to look at what it has drawn gets letters instead, 1.3 million for a picture of 1 MB, and gets them again with
# each later turn. Servers that have /v1/chat/completions alone are asked this way. A picture in a user's message is sent as a picture over
# both.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/lib/node.sh"

with_npm ai@7.0.173 @ai-sdk/openai@4.0.118 <<'JS'
import assert from "node:assert/strict";
import http from "node:http";
import { createOpenAI } from "@ai-sdk/openai";
import { generateText, isStepCount, jsonSchema, tool } from "ai";

const PICTURE = "iVBORw0KGgoAAAANSUhEUg=="; // any base64 of a PNG's first bytes does
const usage = { input_tokens: 1, output_tokens: 1, prompt_tokens: 1, completion_tokens: 1, total_tokens: 2 };
const call = { call_id: "c", name: "draw", arguments: "{}" };
let asked = [];
const server = http.createServer(async (request, response) => {
  const order = JSON.parse((await request.toArray()).join(""));
  asked.push(order);
  const first = asked.length === 1;
  response.setHeader("content-type", "application/json");
  if (request.url === "/v1/responses") {
    const content = [{ type: "output_text", text: "A house.", annotations: [] }];
    const output = [first ? { type: "function_call", id: "fc", status: "completed", ...call }
      : { type: "message", id: "msg", role: "assistant", status: "completed", content }];
    response.end(JSON.stringify({ id: "r", object: "response", created_at: 1, model: "m", status: "completed", output, usage }));
  } else {
    const tool_calls = [{ id: "c", type: "function", function: { name: call.name, arguments: call.arguments } }];
    const message = { role: "assistant", ...(first ? { content: null, tool_calls } : { content: "A house." }) };
    const choices = [{ index: 0, message, finish_reason: first ? "tool_calls" : "stop" }];
    response.end(JSON.stringify({ id: "c", object: "chat.completion", created: 1, model: "m", choices, usage }));
  }
});
await new Promise((listening) => server.listen(0, "127.0.0.1", listening));
const openai = createOpenAI({ baseURL: `http://127.0.0.1:${server.address().port}/v1`, apiKey: "k" });

const file = { type: "file", mediaType: "image/png", data: { type: "data", data: PICTURE } };
const draw = tool({
  description: "Draws", inputSchema: jsonSchema({ type: "object", properties: {} }), execute: async () => "drawn",
  toModelOutput: () => ({ type: "content", value: [file, { type: "text", text: "seed 7" }] }),
});

/** The call's warnings, and what the model is sent of the tool's result. */
async function sent(model) {
  asked = [];
  const result = await generateText({ model, tools: { draw }, stopWhen: isStepCount(2), prompt: "Draw a house and look at it." });
  assert.equal(asked.length, 2);
  const last = (asked[1].input ?? asked[1].messages).at(-1);
  const warnings = result.steps.flatMap((step) => step.warnings ?? []);
  console.log(model.provider, warnings, last.output ?? last.content);
  assert.deepEqual(warnings, []);
  return last.output ?? last.content;
}

const url = `data:image/png;base64,${PICTURE}`;
const [picture] = await sent(openai.responses("m"));
assert.equal(picture.type, "input_image");
assert.equal(picture.image_url, url);
const text = await sent(openai.chat("m"));
assert.equal(typeof text, "string");
assert.deepEqual(JSON.parse(text)[0], file);

// The same model over the same route is sent a user's picture as one.
asked = [null];
await generateText({ model: openai.chat("m"), messages: [{ role: "user", content: [file] }] });
assert.equal(asked[1].messages[0].content[0].image_url.url, url);
server.close();
JS
