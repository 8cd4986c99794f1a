#!/usr/bin/env bash
# Two pictures in one streamed chat answer: OpenAI's client for Python raises, the one for JavaScript drops one.
#
# Seen with openai 3.57.0 for Python and openai 7.59.0 of npm. Pictures of a chat are handed over in OpenRouter's
# form, a list `images` beside `content`. `chat.completions.stream` of both clients puts the chunks of an
# answer together. A second chunk with a picture makes Python raise RuntimeError, "Expected list delta entry
# to have an `index` key", and loses the text with it; in JavaScript the message ends with the last picture
# alone, without a word. With `index` in each picture Python keeps all and JavaScript still one. Both keep
# all pictures of one chunk.
#
# Why it matters: a server that sends each picture when it is drawn has drawn and billed what the caller does
# not get. Pictures of one message belong in one chunk, or each into a choice of its own.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/lib/node.sh"
. "$(dirname "${BASH_SOURCE[0]}")/lib/python.sh"

with_packages openai==3.57.0 <<'PY'
import http.server
import json
import threading

import openai

deltas = []


class Chat(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        self.rfile.read(int(self.headers["content-length"]))
        self.send_response(200)
        self.send_header("content-type", "text/event-stream")
        self.end_headers()
        for delta in deltas:
            choice = {"index": 0, "delta": delta, "finish_reason": None if delta else "stop"}
            chunk = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [choice]}
            self.wfile.write(b"data: " + json.dumps(chunk).encode() + b"\n\n")
        self.wfile.write(b"data: [DONE]\n\n")

    def log_message(self, *_):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Chat)
threading.Thread(target=server.serve_forever, daemon=True).start()
client = openai.OpenAI(base_url=f"http://127.0.0.1:{server.server_port}/v1", api_key="k")


def pictures(*chunks):
    global deltas
    deltas = [{"role": "assistant", "content": "Two houses."}, *({"images": chunk} for chunk in chunks), {}]
    with client.chat.completions.stream(model="m", messages=[{"role": "user", "content": "p"}]) as stream:
        message = stream.get_final_completion().choices[0].message
    urls = [image["image_url"]["url"] for image in message.images]
    print(f"Python, {len(chunks)} chunks:", urls)
    return urls


def picture(name, **more):
    return {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{name}"}, **more}


both = [picture("AAAA")["image_url"]["url"], picture("BBBB")["image_url"]["url"]]
assert pictures([picture("AAAA"), picture("BBBB")]) == both
assert pictures([picture("AAAA", index=0)], [picture("BBBB", index=1)]) == both
try:
    pictures([picture("AAAA")], [picture("BBBB")])
    raise SystemExit("both were taken")
except RuntimeError as error:
    print("Python, 2 chunks without index:", error)
    assert "`index`" in str(error)
PY

with_npm openai@7.59.0 <<'JS'
import assert from "node:assert/strict";
import http from "node:http";
import OpenAI from "openai";

let deltas = [];
const server = http.createServer(async (request, response) => {
  await request.toArray();
  response.setHeader("content-type", "text/event-stream");
  for (const delta of deltas) {
    const finish_reason = Object.keys(delta).length === 0 ? "stop" : null;
    const choices = [{ index: 0, delta, finish_reason }];
    const chunk = { id: "c", object: "chat.completion.chunk", created: 1, model: "m", choices };
    response.write(`data: ${JSON.stringify(chunk)}\n\n`);
  }
  response.end("data: [DONE]\n\n");
});
await new Promise((listening) => server.listen(0, "127.0.0.1", listening));
const client = new OpenAI({ baseURL: `http://127.0.0.1:${server.address().port}/v1`, apiKey: "k" });

async function pictures(...chunks) {
  deltas = [{ role: "assistant", content: "Two houses." }, ...chunks.map((images) => ({ images })), {}];
  const order = { model: "m", messages: [{ role: "user", content: "p" }] };
  const message = await client.chat.completions.stream(order).finalMessage();
  assert.equal(message.content, "Two houses.");
  const urls = message.images.map((image) => image.image_url.url);
  console.log(`JavaScript, ${chunks.length} chunks:`, urls);
  return urls;
}

const picture = (name, more) =>
  ({ type: "image_url", image_url: { url: `data:image/png;base64,${name}` }, ...more });
const [first, second] = ["AAAA", "BBBB"].map((name) => picture(name).image_url.url);
assert.deepEqual(await pictures([picture("AAAA"), picture("BBBB")]), [first, second]);
assert.deepEqual(await pictures([picture("AAAA")], [picture("BBBB")]), [second]);
assert.deepEqual(await pictures([picture("AAAA", { index: 0 })], [picture("BBBB", { index: 1 })]), [second]);
server.close();
JS
