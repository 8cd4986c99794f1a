#!/usr/bin/env bash
# Semantic Kernel orders pictures from the model that its service was made with, and edits from none.
#
# Seen with semantic-kernel 1.45.0 for Python and openai 2.54.0. `OpenAITextToImage(ai_model_id="m")` says the model with `generate_images`; `edit_image`
# of the same service names none, with settings or without, so that the server takes its own. Its text says nothing of a model, and its example none.
# `settings.ai_model_id` is obeyed, and `generate_images` writes it into the settings that it is handed: an edit with settings that have been used for a
# picture before is of the right model. Of the rest of the API the settings know six fields; `extension_data`, which settings have for others, is dropped
# silently where they do not know a name: output_format, input_fidelity, response_format.
#
# Why it matters: edits are made, and billed, by a server's default model, or refused where there is none, while the first pictures came from the
# right one. Set `settings.ai_model_id` for each edit.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/lib/python.sh"

with_packages semantic-kernel==1.45.0 openai==2.54.0 <<'PY'
import asyncio
import email
import email.policy
import http.server
import io
import json
import threading

from openai import AsyncOpenAI
from semantic_kernel.connectors.ai.open_ai import OpenAITextToImage, OpenAITextToImageExecutionSettings

orders = []


class Pictures(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"]))
        kind = self.headers["content-type"]
        if kind == "application/json":
            order = json.loads(body)
        else:
            form = email.message_from_bytes(b"content-type: " + kind.encode() + b"\r\n\r\n" + body, policy=email.policy.HTTP)
            order = {part.get_param("name", header="content-disposition"): part.get_filename() or part.get_content()
                     for part in form.iter_parts()}
        orders.append(order)
        answer = json.dumps({"created": 1, "data": [{"b64_json": "AAAA"}]}).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Pictures)
threading.Thread(target=server.serve_forever, daemon=True).start()


def house():
    picture = io.BytesIO(b"\x89PNG\r\n\x1a\n")
    picture.name = "house.png"
    return [picture]


async def main():
    client = AsyncOpenAI(base_url=f"http://127.0.0.1:{server.server_port}/v1", api_key="k")
    service = OpenAITextToImage(ai_model_id="m", async_client=client)
    settings = OpenAITextToImageExecutionSettings

    async def model_of(what, order):
        assert await order == ["AAAA"]
        print(f"{what}: {orders[-1]}")
        return orders[-1].get("model")

    assert await model_of("a picture", service.generate_images("a red house")) == "m"
    assert await model_of("an edit", service.edit_image("blue", image_files=house())) is None
    used = settings(quality="high")
    assert await model_of("an edit with settings", service.edit_image("blue", image_files=house(), settings=used)) is None
    assert await model_of("a picture with them", service.generate_images("a red house", settings=used)) == "m"
    assert await model_of("an edit with them again", service.edit_image("blue", image_files=house(), settings=used)) == "m"
    named = settings(ai_model_id="other")
    assert await model_of("an edit with a model", service.edit_image("blue", image_files=house(), settings=named)) == "other"

    more = settings(extension_data={"background": "opaque", "output_format": "jpeg", "response_format": "b64_json"})
    await model_of("a picture with extension_data", service.generate_images("a red house", settings=more))
    assert orders[-1] == {"model": "m", "n": 1, "prompt": "a red house", "background": "opaque"}
    more = settings(extension_data={"quality": "high", "input_fidelity": "high"})
    await model_of("an edit with extension_data", service.edit_image("blue", image_files=house(), settings=more))
    assert orders[-1]["quality"] == "high" and "input_fidelity" not in orders[-1]


asyncio.run(main())
PY
