#!/usr/bin/env bash
# Haystack hands over an empty text as the picture, and no error, where a service answers with a URL.
#
# Seen with haystack-ai 3.4.1 and openai 3.57.0 for Python. OpenAIImageGenerator says that it always gives base64, and takes response_format="b64_json".
# The order has no response_format, given or not, which is right for OpenAI's newer models: they know no other answer. The address and the model
# may be others, by `api_base_url` and `model`; to xAI's image API, as to OpenAI's for the models before, an order that names no format is one for URLs.
# The URL that comes is thrown away, `images` is [""] and the run has succeeded; the picture is drawn and billed. Neither the
# constructor nor run() has an argument that puts the field in.
#
# Why it matters: the next component of the pipeline gets an empty picture, and fails there or stores it. Only a service that answers
# with base64 of itself can be used; with others take the client that Haystack uses.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/lib/python.sh"

with_packages haystack-ai==3.4.1 openai==3.57.0 <<'PY'
import json
import os
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

os.environ["HAYSTACK_TELEMETRY_ENABLED"] = "False"
from haystack.components.generators import OpenAIImageGenerator
from haystack.utils import Secret
from openai import OpenAI

orders = []


class Images(BaseHTTPRequestHandler):
    """Answers as xAI's API does: a URL, unless base64 is asked for."""

    def do_POST(self):
        order = json.loads(self.rfile.read(int(self.headers["content-length"])))
        orders.append(order)
        picture = {"b64_json": "UElD"} if order.get("response_format") == "b64_json" else {"url": "http://pictures/1.jpg"}
        body = json.dumps({"created": 1, "data": [picture]}).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


server = HTTPServer(("127.0.0.1", 0), Images)
threading.Thread(target=server.serve_forever, daemon=True).start()
address = f"http://127.0.0.1:{server.server_port}/v1"


def run(**options):
    generator = OpenAIImageGenerator(model="grok-imagine-image", api_base_url=address, api_key=Secret.from_token("k"), **options)
    answer = generator.run("a red house", **options)
    print(f"{options}: sent {orders[-1]}, got {answer}")
    assert "response_format" not in orders[-1]
    return answer["images"]


assert run() == [""]
assert run(response_format="b64_json") == [""]
assert len(orders) == 2

client = OpenAI(api_key="k", base_url=address)
asked = dict(model="grok-imagine-image", prompt="a red house")
assert client.images.generate(**asked).data[0].url
assert client.images.generate(**asked, response_format="b64_json").data[0].b64_json == "UElD"
server.shutdown()
PY
