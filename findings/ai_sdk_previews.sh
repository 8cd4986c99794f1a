#!/usr/bin/env bash
# Vercel's AI SDK hands over each preview of a picture as its result, and nothing tells one from the other.
#
# Seen with ai 7.0.173 and @ai-sdk/openai 4.0.118. With `imageGeneration({partialImages: 1})` among the tools a
# Responses stream brings a preview, then the picture. The documented loop over the stream's parts of type
# `tool-result` sees both, under one toolCallId, and so do `toolResults` and the messages for the next turn.
# The SDK's own mark for results that are not the last, `preliminary: true`, is on neither: the provider sets it
# and it is lost on the way. Without previews there is one result for a picture.
#
# Why it matters: who stores each result stores unfinished pictures beside the finished ones, two orders look
# like four pictures, and the next turn sends all of them back. The last result of a toolCallId is the picture.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/lib/node.sh"

with_npm ai@7.0.173 @ai-sdk/openai@4.0.118 <<'JS'
import assert from "node:assert/strict";
import http from "node:http";
import { createOpenAI } from "@ai-sdk/openai";
import { streamText } from "ai";

// Any base64 does, the SDK hands it on: "PRE0" is a preview of "PIC0".
const picture = (i) => ({ type: "image_generation_call", id: `ig_${i}`, status: "completed", result: `PIC${i}` });
const usage = { input_tokens: 1, output_tokens: 1, input_tokens_details: null, output_tokens_details: null };
const response = (status, output) =>
  ({ id: "resp", object: "response", created_at: 1, model: "m", status, output, usage, incomplete_details: null });

function* events(previews) {
  yield { type: "response.created", response: response("in_progress", []) };
  for (const i of [0, 1]) {
    const here = { output_index: i, item_id: `ig_${i}` };
    const begun = { ...picture(i), status: "in_progress", result: null };
    const preview = { partial_image_index: 0, partial_image_b64: `PRE${i}` };
    yield { type: "response.output_item.added", output_index: i, item: begun };
    if (previews) yield { type: "response.image_generation_call.partial_image", ...here, ...preview };
    yield { type: "response.image_generation_call.completed", ...here };
    yield { type: "response.output_item.done", output_index: i, item: picture(i) };
  }
  yield { type: "response.completed", response: response("completed", [picture(0), picture(1)]) };
}

const server = http.createServer(async (request, answer) => {
  const { tools } = JSON.parse((await request.toArray()).join(""));
  answer.setHeader("content-type", "text/event-stream");
  let sequence_number = 0;
  for (const event of events(tools[0].partial_images > 0)) {
    answer.write(`data: ${JSON.stringify({ ...event, sequence_number: sequence_number++ })}\n\n`);
  }
  answer.end();
});
await new Promise((listening) => server.listen(0, "127.0.0.1", listening));
const openai = createOpenAI({ baseURL: `http://127.0.0.1:${server.address().port}/v1`, apiKey: "k" });

async function results(options) {
  const stream = streamText({
    model: openai.responses("gpt-5"), prompt: "two red houses",
    tools: { image_generation: openai.tools.imageGeneration(options) },
    onError: ({ error }) => { throw error; },
  });
  const seen = [];
  for await (const part of stream.fullStream) {
    if (part.type !== "tool-result") continue;
    assert.equal(part.preliminary, undefined);
    seen.push(`${part.toolCallId} ${part.output.result}`);
  }
  console.log(JSON.stringify(options), seen.join(", "));
  assert.deepEqual((await stream.toolResults).map((r) => `${r.toolCallId} ${r.output.result}`), seen);
  const [message] = (await stream.response).messages;
  assert.equal(message.content.filter((part) => part.type === "tool-result").length, seen.length);
  return seen;
}

assert.deepEqual(await results({}), ["ig_0 PIC0", "ig_1 PIC1"]);
assert.deepEqual(await results({ partialImages: 1 }), ["ig_0 PRE0", "ig_0 PIC0", "ig_1 PRE1", "ig_1 PIC1"]);
server.close();
JS
