#!/usr/bin/env bash
# pydantic-ai sends the picture that a model drew back with the history if the model's name begins like one of OpenAI's reasoning models, else not.
#
# Seen with pydantic-ai 2.68.0. `OpenAIResponsesModel` with ImageGenerationTool reads a picture and keeps it in `all_messages()`, as
# FilePart and as the tool's return. Handed on as `message_history`, it is in the next request of gpt-5 or o3 as the
# item's id. Of gpt-4o, grok-4 or a server's own name only the words "Here it is." are left, and with `openai_store=False`, where a server keeps no
# id, of gpt-5 too: not the id, nor the picture, though the API's item has a field for it (`result`) and langchain-openai with `store=False` and
# openai-agents send that. No warning. What decides is `openai_send_reasoning_ids`, "enabled by default for reasoning models", whose text says so; set
# to True, the id goes out with any name. With store=False nothing helps, and its text says nothing of it. To a chat model a FilePart does not go either.
#
# Why it matters: "now blue" comes to the model with nothing to be blue. It draws another house, or asks which, and bills for
# it; with gpt-5 the same program had worked. Set `openai_send_reasoning_ids=True`, or pass the picture with the next
# prompt: `[prompt, result.response.images[0]]`.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/lib/python.sh"

with_packages "pydantic-ai-slim[openai]==2.68.0" openai==3.57.0 <<'PY'
import http.server
import json
import threading

from pydantic_ai import Agent, ImageGenerationTool
from pydantic_ai.capabilities import NativeTool
from pydantic_ai.models.openai import OpenAIChatModel, OpenAIResponsesModel
from pydantic_ai.providers.openai import OpenAIProvider

PICTURE = "iVBORw0KGgo="
bodies = []


class Artist(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        bodies.append(json.loads(self.rfile.read(int(self.headers["content-length"]))))
        answer = json.dumps(self.chat() if self.path.endswith("/chat/completions") else self.response()).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def response(self):
        said = {"type": "output_text", "text": "Here it is.", "annotations": [], "logprobs": []}
        return {
            "id": "resp_1", "object": "response", "created_at": 1, "status": "completed", "model": "m", "tools": [],
            "tool_choice": "auto", "parallel_tool_calls": True, "output": [
                {"type": "image_generation_call", "id": "ig_1", "status": "completed", "result": PICTURE, "output_format": "png"},
                {"type": "message", "id": "msg_1", "status": "completed", "role": "assistant", "content": [said]}]}

    def chat(self):
        return {"id": "c", "object": "chat.completion", "created": 1, "model": "m", "choices": [
            {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "Which house?"}}]}

    def log_message(self, *_):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Artist)
threading.Thread(target=server.serve_forever, daemon=True).start()
provider = OpenAIProvider(base_url=f"http://127.0.0.1:{server.server_port}/v1", api_key="k")


def next_turn(name, **settings):
    """What the second request has of the picture: its id, or None; its bytes are never there."""
    agent = Agent(OpenAIResponsesModel(name, provider=provider), model_settings=settings,
                  capabilities=[NativeTool(ImageGenerationTool())])
    first = agent.run_sync("a red house")
    assert len(first.response.images) == 1
    agent.run_sync("now blue", message_history=first.all_messages())
    items = bodies[-1]["input"]
    ids = [item["id"] for item in items if item.get("type") == "image_generation_call"]
    print(name, settings, "sends", [item.get("type", item.get("role")) for item in items])
    assert PICTURE not in json.dumps(items) and items[-1]["content"] == "now blue"
    return ids[0] if ids else None


for name in ("gpt-5", "o3"):
    assert next_turn(name) == "ig_1"
for name in ("gpt-4o", "grok-4", "our-own-name"):
    assert next_turn(name) is None
    assert next_turn(name, openai_send_reasoning_ids=True) == "ig_1"
for more in ({}, {"openai_send_reasoning_ids": True}):
    assert next_turn("gpt-5", openai_store=False, **more) is None

drawn = Agent(OpenAIResponsesModel("gpt-5", provider=provider), capabilities=[NativeTool(ImageGenerationTool())])
history = drawn.run_sync("a red house").all_messages()
Agent(OpenAIChatModel("gpt-4o", provider=provider)).run_sync("now blue", message_history=history)
print("the chat API is sent", bodies[-1]["messages"])
assert [message["content"] for message in bodies[-1]["messages"]] == ["a red house", "Here it is.", "now blue"]
PY
