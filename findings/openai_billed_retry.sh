#!/usr/bin/env bash
# The OpenAI client orders the same pictures again after a lost reply, and nothing tells the server.
#
# Seen with openai 3.57 for Python and its defaults. `images.generate` is a POST that is billed. When
# the reply is 500 or the connection drops after the server has done the work, the client sends the
# call twice more, without an idempotency key: only `x-stainless-retry-count` differs. The key that
# the client has a place for (`Idempotency-Key`) is sent for no call unless the caller passes one.
#
# Why it matters: a server that wants to make and bill one set of pictures cannot know that the second
# call is the first; it must say `x-should-retry: false`, which the client does obey.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/lib/python.sh"

with_packages openai==3.57.0 <<'PY'
import http.server
import threading

import openai

seen = []


class Failing(http.server.BaseHTTPRequestHandler):
    """Takes the order, then answers 500; the prompt says whether a retry is wanted."""

    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"]))
        seen.append((body, dict((k.lower(), v) for k, v in self.headers.items())))
        self.send_response(500)
        if b"once" in body:
            self.send_header("x-should-retry", "false")
        self.send_header("content-length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, *_):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Failing)
threading.Thread(target=server.serve_forever, daemon=True).start()
client = openai.OpenAI(base_url=f"http://127.0.0.1:{server.server_port}/v1", api_key="k")


def order(prompt):
    seen.clear()
    try:
        client.images.generate(model="m", prompt=prompt)
    except openai.InternalServerError:
        pass
    return list(seen)


calls = order("a red house")
print("orders sent:", len(calls))
print("retry counts:", [headers.get("x-stainless-retry-count") for _, headers in calls])
print("idempotency keys:", [headers.get("idempotency-key") for _, headers in calls])
assert len(calls) == 3
assert len({body for body, _ in calls}) == 1
assert not any("idempotency-key" in headers for _, headers in calls)
assert len(order("a red house once")) == 1
server.shutdown()
PY
