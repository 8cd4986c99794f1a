#!/usr/bin/env bash
# "Come back in 61 seconds" makes OpenAI's client for JavaScript come back at once; Python's obeys to 120.
#
# Seen with openai 7.59.0 of npm and openai 3.57.0 for Python. Both try a 429 again two times and obey a
# Retry-After of 1 s. JavaScript's drops one above 60 s and falls back on its own pause, 0.4 to 0.5 s and
# then about 1 s; all three tries are over in 2 s. Python's sends no second try when it is above 120 s.
# A Retry-After that is too long is thus worse than none for one client, and ends the call for the other.
#
# Why it matters: a picture server with an honest queue says 90 s, and each client in JavaScript knocks
# three times within two seconds and gives up. Only 60 s and less are understood by both.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/lib/node.sh"
. "$(dirname "${BASH_SOURCE[0]}")/lib/python.sh"

with_npm openai@7.59.0 <<'JS'
import assert from "node:assert/strict";
import http from "node:http";
import OpenAI from "openai";

let tries = [];
const server = http.createServer(async (request, response) => {
  tries.push(performance.now());
  const { prompt } = JSON.parse((await request.toArray()).join(""));
  response.writeHead(429, { "retry-after": prompt, "content-type": "application/json" });
  response.end('{"error": {"message": "busy"}}');
});
await new Promise((listening) => server.listen(0, "127.0.0.1", listening));
const client = new OpenAI({ baseURL: `http://127.0.0.1:${server.address().port}/v1`, apiKey: "k" });

async function pauses(retryAfter) {
  tries = [];
  await client.images.generate({ model: "m", prompt: String(retryAfter) }).catch(() => {});
  const between = tries.slice(1).map((at, i) => (at - tries[i]) / 1000);
  console.log(`Retry-After ${retryAfter}: pauses of`, between.map((s) => s.toFixed(2)).join(" and "));
  return between;
}

const obeyed = await pauses(1);
assert(obeyed.length === 2 && obeyed.every((pause) => pause > 0.9));
const dropped = await pauses(61);
assert(dropped.length === 2 && dropped[0] > 0.3 && dropped[0] + dropped[1] < 10);
server.close();
JS

with_packages openai==3.57.0 <<'PY'
import http.server
import itertools
import json
import threading
import time

import openai

tries = []


class Busy(http.server.BaseHTTPRequestHandler):
    """Answers 429 with the prompt as Retry-After."""

    def do_POST(self):
        tries.append(time.monotonic())
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        self.send_response(429)
        self.send_header("retry-after", body["prompt"])
        self.send_header("content-length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, *_):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Busy)
threading.Thread(target=server.serve_forever, daemon=True).start()
client = openai.OpenAI(base_url=f"http://127.0.0.1:{server.server_port}/v1", api_key="k")


def pauses(retry_after):
    tries.clear()
    try:
        client.images.generate(model="m", prompt=str(retry_after))
    except openai.RateLimitError:
        pass
    between = [later - earlier for earlier, later in itertools.pairwise(tries)]
    print(f"Retry-After {retry_after}: pauses of", [round(pause, 2) for pause in between])
    return between


obeyed = pauses(1)
assert len(obeyed) == 2 and min(obeyed) > 0.9
assert pauses(121) == []

# 61 s are obeyed: the client still waits when half a second is long over.
threading.Thread(target=pauses, args=(61,), daemon=True).start()
time.sleep(5)
print("Retry-After 61: tries in the first 5 s:", len(tries))
assert len(tries) == 1
PY
