#!/usr/bin/env bash
# TanStack AI keeps the headers, retries, time limit and fetch that its xAI adapter is given for pictures from words, and drops them for edits.
#
# Seen with @tanstack/ai 0.52.3 and @tanstack/ai-grok 0.18.3. The adapter for pictures takes the settings of OpenAI's client. `generateImage` with a
# text goes through that client and obeys them. With a picture beside the text, which makes it an edit, the same adapter calls the global fetch itself, with
# address and key alone: no `defaultHeaders`, not the `fetch` that was handed over, no try after a 429, no `timeout`, and an Error
# without a `status`. The adapter for videos takes the same settings and obeys `fetch` only.
#
# Why it matters: a proxy's header or its fetch, a limit of time and what is done about a busy server all depend on whether a
# picture lies beside the text. An edit at a server that hangs is waited for without end.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/lib/node.sh"

with_npm @tanstack/ai@0.52.3 @tanstack/ai-grok@0.18.3 <<'JS'
import assert from "node:assert/strict";
import http from "node:http";
import { generateImage, generateVideo } from "@tanstack/ai";
import { createGrokImage, createGrokVideo } from "@tanstack/ai-grok";

let seen, busy = false, delay = 0;
const server = http.createServer(async (request, response) => {
  await request.toArray();
  seen.orders++;
  seen.team = request.headers["x-team"];
  await new Promise((over) => setTimeout(over, delay));
  response.writeHead(busy ? 429 : 200, { "content-type": "application/json", "retry-after": "0" });
  response.end(JSON.stringify(busy ? { code: "busy", error: "busy" }
    : { created: 1, data: [{ b64_json: "AAAA" }], request_id: "clip" }));
});
await new Promise((listening) => server.listen(0, "127.0.0.1", listening));
const settings = {
  baseURL: `http://127.0.0.1:${server.address().port}/v1`, defaultHeaders: { "x-team": "blue" },
  maxRetries: 2, timeout: 1000,
  fetch: (...call) => {
    seen.throughOurs++;
    return fetch(...call);
  },
};
const pictures = createGrokImage("grok-imagine-image", "k", settings);
const videos = createGrokVideo("grok-imagine-video", "k", settings);
const picture = { type: "image", source: { type: "data", value: "iVBORw0KGgo=", mimeType: "image/png" } };
const calls = {
  generation: () => generateImage({ adapter: pictures, prompt: "a red house", debug: false }),
  edit: () => generateImage({ adapter: pictures, prompt: [{ type: "text", content: "blue" }, picture], debug: false }),
  video: () => generateVideo({ adapter: videos, prompt: "a red house", debug: false }),
};

async function see(what) {
  seen = { orders: 0, throughOurs: 0, team: undefined, status: undefined, ended: "well" };
  await calls[what]().catch((error) => {
    seen.ended = error.constructor.name;
    seen.status = error.status;
  });
  const { orders, throughOurs, team, ended, status } = seen;
  console.log(`${what}${busy ? ", 429" : ""}${delay ? ", slow" : ""}: ${JSON.stringify(seen)}`);
  return [orders, throughOurs, team, ended, status];
}

assert.deepEqual(await see("generation"), [1, 1, "blue", "well", undefined]);
assert.deepEqual(await see("edit"), [1, 0, undefined, "well", undefined]);
assert.deepEqual(await see("video"), [1, 1, undefined, "well", undefined]);
busy = true;
assert.deepEqual(await see("generation"), [3, 3, "blue", "RateLimitError", 429]);
assert.deepEqual(await see("edit"), [1, 0, undefined, "Error", undefined]);
assert.deepEqual(await see("video"), [1, 1, undefined, "Error", undefined]);
[busy, delay] = [false, 3000];
assert.equal((await see("generation"))[3], "APIConnectionTimeoutError");
assert.deepEqual(await see("edit"), [1, 0, undefined, "well", undefined]);
assert.deepEqual(await see("video"), [1, 1, undefined, "well", undefined]);
process.exit(0);
JS
