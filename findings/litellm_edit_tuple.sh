#!/usr/bin/env bash
# LiteLLM's image_edit takes a picture as (name, bytes), says its type, and fails on it as if the provider had.
#
# Seen with litellm 1.110.2. `image` is declared as FileTypes, which is bytes, a file, or a tuple of name,
# bytes and media type, as OpenAI's own client takes them. Bytes and a file are sent. A tuple is not:
# the request is broken off after its head, for the tuple is read as if it were a file, and
# the caller gets an InternalServerError of status 500 whose text names "OpenAIException".
#
# Why it matters: the caller looks for the fault at the server, and programs that repeat or reroute
# after a 500 do so for a picture that never left the machine.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/lib/python.sh"

with_packages litellm==1.110.2 <<'PY'
import http.server
import json
import os
import threading

os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"  # asks no other host for prices
import litellm

litellm.suppress_debug_info = True
orders = 0


class Edits(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        global orders
        if "content-length" not in self.headers:
            return  # no body comes any more
        self.rfile.read(int(self.headers["content-length"]))
        orders += 1
        answer = json.dumps({"created": 1, "data": [{"b64_json": "AAAA"}]}).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Edits)
threading.Thread(target=server.serve_forever, daemon=True).start()
picture = b"\x89PNG\r\n\x1a\n"


def edit(image):
    return litellm.image_edit(image=image, prompt="a hat", model="openai/gpt-image-1", api_key="k",
                              api_base=f"http://127.0.0.1:{server.server_port}/v1")


assert edit(picture).data[0].b64_json == "AAAA" and orders == 1
try:
    edit(("house.png", picture))
    raise SystemExit("the tuple was taken")
except litellm.InternalServerError as error:
    print(f"orders sent: {orders - 1}; status {error.status_code}: {error}")
    assert orders == 1 and error.status_code == 500
PY
