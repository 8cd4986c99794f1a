#!/usr/bin/env bash
# Vercel's AI SDK cuts one call into several orders and sends the caller's idempotency key with each.
#
# Seen with ai 7.0.173, @ai-sdk/xai 5.0.12 and @ai-sdk/openai 4.0.118. `generateImage({n: 6})` at xAI
# makes two POSTs of three pictures at the same time; n: 5 makes one of three and one of two; at OpenAI
# with a model whose name the SDK does not know, n: 3 makes three POSTs of one. `headers` of the call go
# with all of them, an `idempotency-key` too.
#
# Why it matters: a server that keeps the promise of the key answers the second order with the pictures
# of the first, so the caller of n: 6 gets three pictures, each twice; and it must refuse the second
# order of n: 5, for that is another request under a key in use. With the SDK a key is safe only for a
# call that fits into one order.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/lib/node.sh"

with_npm ai@7.0.173 @ai-sdk/xai@5.0.12 @ai-sdk/openai@4.0.118 <<'JS'
import assert from "node:assert/strict";
import http from "node:http";
import { createOpenAI } from "@ai-sdk/openai";
import { createXai } from "@ai-sdk/xai";
import { generateImage } from "ai";

let orders = [];
const kept = new Map(); // the answer to the first order under a key
let drawn = 0;

// Any bytes do, the SDK hands them on: picture 1, picture 2, ...
const draw = (n) => ({
  created: 1,
  data: Array.from({ length: n }, () => ({
    b64_json: Buffer.from(`picture ${++drawn}`).toString("base64"),
  })),
});

const server = http.createServer(async (request, response) => {
  const order = JSON.parse((await request.toArray()).join(""));
  const key = request.headers["idempotency-key"];
  orders.push({ n: order.n, key });
  if (!kept.has(key)) kept.set(key, draw(order.n));
  response.setHeader("content-type", "application/json");
  response.end(JSON.stringify(kept.get(key)));
});
await new Promise((listening) => server.listen(0, "127.0.0.1", listening));
const there = { baseURL: `http://127.0.0.1:${server.address().port}/v1`, apiKey: "k" };

async function call(model, n, key) {
  orders = [];
  const { images } = await generateImage({
    model, n, prompt: "a red house", headers: { "idempotency-key": key },
  });
  const pictures = images.map((image) => Buffer.from(image.uint8Array).toString());
  console.log(`${key}, n = ${n}:`, JSON.stringify(orders), pictures.join(", "));
  return pictures;
}

const grok = createXai(there).image("grok-imagine-image");
const pictures = await call(grok, 6, "xai six");
assert.deepEqual(orders, [{ n: 3, key: "xai six" }, { n: 3, key: "xai six" }]);
assert.equal(pictures.length, 6);
assert.equal(new Set(pictures).size, 3);

await call(grok, 5, "xai five");
assert.deepEqual(orders.map(({ n, key }) => [n, key]), [[3, "xai five"], [2, "xai five"]]);

const unknown = await call(createOpenAI(there).image("flux"), 3, "openai three");
assert.deepEqual(orders, Array(3).fill({ n: 1, key: "openai three" }));
assert.equal(new Set(unknown).size, 1);
server.close();
JS
