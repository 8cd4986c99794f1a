#!/usr/bin/env bash
# OpenAI's clients end a stream of pictures without an event and without an error when JSON comes.
#
# Seen with openai 3.57.0 for Python and openai 7.59.0 of npm. A call with stream=True that a server
# answers in the ordinary way, status 200 and application/json with the finished picture, yields no
# event; the loop ends as after a complete stream. Neither client looks at the Content-Type.
#
# Why it matters: a server that does not know `stream` and ignores it, as servers do with unknown fields,
# draws and bills a picture that the caller never sees, and nobody is told. It must refuse the field, or
# stream.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/lib/node.sh"
. "$(dirname "${BASH_SOURCE[0]}")/lib/python.sh"

with_packages openai==3.57.0 <<'PY'
import http.server
import json
import threading

import openai


class NeverStreams(http.server.BaseHTTPRequestHandler):
    """Answers each order with one picture as JSON."""

    def do_POST(self):
        self.rfile.read(int(self.headers["content-length"]))
        answer = json.dumps({"created": 1, "data": [{"b64_json": "AAAA"}]}).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), NeverStreams)
threading.Thread(target=server.serve_forever, daemon=True).start()
client = openai.OpenAI(base_url=f"http://127.0.0.1:{server.server_port}/v1", api_key="k")

assert len(client.images.generate(model="m", prompt="p").data) == 1
events = list(client.images.generate(model="m", prompt="p", stream=True, partial_images=2))
print("events:", events)
assert events == []
PY

with_npm openai@7.59.0 <<'JS'
import assert from "node:assert/strict";
import http from "node:http";
import OpenAI from "openai";

const server = http.createServer(async (request, response) => {
  await request.toArray();
  response.setHeader("content-type", "application/json");
  response.end(JSON.stringify({ created: 1, data: [{ b64_json: "AAAA" }] }));
});
await new Promise((listening) => server.listen(0, "127.0.0.1", listening));
const client = new OpenAI({ baseURL: `http://127.0.0.1:${server.address().port}/v1`, apiKey: "k" });

assert.equal((await client.images.generate({ model: "m", prompt: "p" })).data.length, 1);
const events = [];
const order = { model: "m", prompt: "p", stream: true, partial_images: 2 };
for await (const event of await client.images.generate(order)) events.push(event);
console.log("events:", events);
assert.deepEqual(events, []);
server.close();
JS
