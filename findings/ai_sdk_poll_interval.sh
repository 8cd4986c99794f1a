#!/usr/bin/env bash
# @ai-sdk/xai takes pollIntervalMs for videos, documents it, and asks every five seconds all the same.
#
# Seen with ai 7.0.173 and @ai-sdk/xai 5.0.12. `providerOptions.xai.pollIntervalMs` is in the package's
# documentation and in its types, and its value is checked, but `generateVideo` polls at its own default
# of 5 s without a warning. `poll: {intervalMs}` in the call itself is obeyed.
#
# Why it matters: a server that has a clip ready in half a second looks ten times as slow, and one that
# wants to be asked less often is not spared, while the program's source says what it should.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/lib/node.sh"

with_npm ai@7.0.173 @ai-sdk/xai@5.0.12 <<'JS'
import assert from "node:assert/strict";
import http from "node:http";
import { createXai } from "@ai-sdk/xai";
import { experimental_generateVideo as generateVideo } from "ai";

let asked = []; // when: the order, then each question after it
const server = http.createServer(async (request, response) => {
  await request.toArray();
  asked.push(performance.now());
  response.setHeader("content-type", "application/json");
  const done = { status: "done", model: "m",
    video: { url: "data:video/mp4;base64,AAAA", duration: 1, respect_moderation: true } };
  response.end(JSON.stringify(request.method === "POST" ? { request_id: "clip" } : done));
});
await new Promise((listening) => server.listen(0, "127.0.0.1", listening));
const xai = createXai({ baseURL: `http://127.0.0.1:${server.address().port}/v1`, apiKey: "k" });

async function waited(options) {
  asked = [];
  const { warnings } = await generateVideo({ model: xai.video("grok-imagine-video"), prompt: "p", ...options });
  assert.deepEqual([asked.length, warnings.length], [2, 0]);
  const seconds = (asked[1] - asked[0]) / 1000;
  console.log(JSON.stringify(options), "asked after", seconds.toFixed(2), "s");
  return seconds;
}

assert(await waited({ providerOptions: { xai: { pollIntervalMs: 100 } } }) > 4.9);
assert(await waited({ poll: { intervalMs: 100 } }) < 2);
server.close();
JS
