#!/usr/bin/env bash
# LiteLLM's completion() loses every picture where it asks a model over the Responses API.
#
# Seen with litellm 1.110.2. A model named `responses/...`, of OpenAI or xAI, or one that its list knows as such (gpt-5-pro), is asked at
# /responses, whose answer becomes a message of chat. The message has a place for pictures, `images`, filled from /chat/completions.
# Of a response only the words get through, streamed or not: the picture of an `image_generation_call`, made and billed because the
# caller's own `tools` asked for it, is nowhere, and nothing is raised or said. The way back is the same: `images` of an earlier turn
# go along to /chat/completions and are left out for /responses, so "now blue" has nothing to change. litellm.responses() gives
# the picture.
#
# Why it matters: the prefix in a model's name, or a line in a price list, decides whether a program gets what it pays
# for. A server of pictures is wise to name them in its words too.
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
PICTURE = "iVBORw0KGgo="
IMAGES = [{"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PICTURE}"}}]
CALL = {"type": "image_generation_call", "id": "ig_1", "status": "completed", "result": PICTURE}
WORDS = {"type": "message", "id": "msg_1", "role": "assistant", "status": "completed",
         "content": [{"type": "output_text", "text": "a house", "annotations": []}]}
RESPONSE = {"id": "resp_1", "object": "response", "created_at": 1, "status": "completed", "model": "m", "output": [CALL, WORDS],
            "parallel_tool_calls": True, "tool_choice": "auto", "tools": [{"type": "image_generation"}],
            "usage": {"input_tokens": 1, "output_tokens": 1, "total_tokens": 2}}
COMPLETION = {"id": "c", "object": "chat.completion", "created": 1, "model": "m",
              "choices": [{"index": 0, "finish_reason": "stop",
                           "message": {"role": "assistant", "content": "a house", "images": IMAGES}}],
              "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}}
asked = []


def events():
    """The response as OpenAI streams it."""
    part = WORDS["content"][0]
    begun = {**RESPONSE, "status": "in_progress", "output": []}
    at = {"item_id": "msg_1", "output_index": 1, "content_index": 0}
    for number, (kind, fields) in enumerate([
            ("created", {"response": begun}),
            ("output_item.added", {"output_index": 0, "item": {**CALL, "status": "in_progress", "result": None}}),
            ("image_generation_call.completed", {"output_index": 0, "item_id": "ig_1"}),
            ("output_item.done", {"output_index": 0, "item": CALL}),
            ("output_item.added", {"output_index": 1, "item": {**WORDS, "status": "in_progress", "content": []}}),
            ("content_part.added", {**at, "part": {**part, "text": ""}}),
            ("output_text.delta", {**at, "delta": "a house"}),
            ("output_text.done", {**at, "text": "a house"}),
            ("content_part.done", {**at, "part": part}),
            ("output_item.done", {"output_index": 1, "item": WORDS}),
            ("completed", {"response": RESPONSE})]):
        yield {"type": f"response.{kind}", "sequence_number": number, **fields}


class Model(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        request = json.loads(self.rfile.read(int(self.headers["content-length"])))
        asked.append((self.path, request))
        if request.get("stream"):
            kind = "text/event-stream"
            answer = "".join(f"event: {event['type']}\ndata: {json.dumps(event)}\n\n" for event in events())
        else:
            kind = "application/json"
            answer = json.dumps(RESPONSE if self.path.endswith("/responses") else COMPLETION)
        self.send_response(200)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer.encode())

    def log_message(self, *_):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Model)
threading.Thread(target=server.serve_forever, daemon=True).start()
WAY = {"api_key": "k", "api_base": f"http://127.0.0.1:{server.server_port}/v1", "tools": [{"type": "image_generation"}]}
TURN = [{"role": "user", "content": "a red house"}]
NEXT = TURN + [{"role": "assistant", "content": "a house", "images": IMAGES}, {"role": "user", "content": "now blue"}]


def told(model, messages=TURN, stream=False):
    """Where it was asked, whether the earlier picture went along, and whether the answer's picture came."""
    answer = litellm.completion(model=model, messages=messages, stream=stream, **WAY)
    if stream:
        answer = litellm.stream_chunk_builder(list(answer))
    message = answer.choices[0].message
    path, request = asked[-1]
    assert message.content == "a house" and request["tools"] == WAY["tools"]
    seen = path.rsplit("/v1", 1)[1], PICTURE in json.dumps(request), PICTURE in message.model_dump_json()
    print(f"{model}, {'streamed' if stream else 'whole'}, turn {len(messages) // 2 + 1}: asked at {seen[0]}, "
          f"earlier picture sent: {seen[1]}, picture came: {seen[2]}")
    return seen


assert told("xai/grok-4") == ("/chat/completions", False, True)
assert told("xai/grok-4", NEXT) == ("/chat/completions", True, True)
for model in ("xai/responses/grok-4", "openai/responses/m", "openai/gpt-5-pro"):
    assert told(model) == ("/responses", False, False)
    assert told(model, stream=True) == ("/responses", False, False)
    assert told(model, NEXT) == ("/responses", False, False)
made = litellm.responses(model="xai/grok-4", input="a red house", **WAY).output
print("litellm.responses:", [item.type for item in made])
assert made[0].result == PICTURE
PY
