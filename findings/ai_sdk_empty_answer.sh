#!/usr/bin/env bash
# Vercel's AI SDK takes a successful answer without pictures for a fault and orders them again.
#
# Seen with ai 7.0.173, @ai-sdk/xai 5.0.12 and @ai-sdk/openai 4.0.118. When a server answers 200 with an
# empty `data`, `generateImage` orders again after 2 s and after 4 s more and then throws "No image
# generated."; for n: 6 at xAI, which are two orders, both are sent three times: 18 pictures are asked
# for. No header stops it (`x-should-retry: false` does not), only `maxRetries: 0` in the call.
#
# Why it matters: an empty list is the natural answer of a server whose filter held back each picture of
# an order. It draws, and bills, the same order three times. An error status that is not tried again
# (400, 403, 422) is sent once.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/lib/node.sh"

with_npm ai@7.0.173 @ai-sdk/xai@5.0.12 @ai-sdk/openai@4.0.118 <<'JS'
import assert from "node:assert/strict";
import http from "node:http";
import { createOpenAI } from "@ai-sdk/openai";
import { createXai } from "@ai-sdk/xai";
import { generateImage } from "ai";

let asked = []; // pictures of each order
let status = 200;
const server = http.createServer(async (request, response) => {
  asked.push(JSON.parse((await request.toArray()).join("")).n);
  response.writeHead(status, { "content-type": "application/json", "x-should-retry": "false" });
  response.end(JSON.stringify(
    status === 200 ? { created: 1, data: [] } : { error: { message: "all were held back" } }));
});
await new Promise((listening) => server.listen(0, "127.0.0.1", listening));
const there = { baseURL: `http://127.0.0.1:${server.address().port}/v1`, apiKey: "k" };

async function call(what, model, options) {
  asked = [];
  const error = await generateImage({ model, prompt: "a red house", ...options }).catch((e) => e);
  console.log(`${what}: "${error.message}" after orders of`, JSON.stringify(asked));
  return error.message;
}

const grok = createXai(there).image("grok-imagine-image");
assert.equal(await call("xai, n = 1", grok, {}), "No image generated.");
assert.deepEqual(asked, [1, 1, 1]);
await call("xai, n = 6", grok, { n: 6 });
assert.deepEqual(asked, [3, 3, 3, 3, 3, 3]);
await call("openai, n = 1", createOpenAI(there).image("gpt-image-2"), {});
assert.deepEqual(asked, [1, 1, 1]);
await call("xai, maxRetries = 0", grok, { maxRetries: 0 });
assert.deepEqual(asked, [1]);
status = 422;
assert.equal(await call("xai, status 422", grok, {}), "all were held back");
assert.deepEqual(asked, [1]);
server.close();
JS
