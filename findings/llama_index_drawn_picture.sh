#!/usr/bin/env bash
# LlamaIndex sends the picture that a model drew back as one that the assistant has attached: a form that OpenAI's own types do not have.
#
# Seen with llama-index-llms-openai 0.8.3 and openai 2.54.0. Over the Responses API what a model draws is an item, image_generation_call, with an id, and
# goes back as that item. `OpenAIResponses` makes an ImageBlock of it, without the id, and of `[asked, answer.message, next]` a message of the assistant
# with an input_image and an output_text in it. OpenAI's types know input_image beside input_text, or output_text in a whole message with an id, and not
# both; llama.cpp takes no picture of the assistant's at all, whole or not. `track_previous_responses=True` names the previous response and sends that
# message too, so that the turn is there twice. `OpenAI`, over the chat API, drops the ImageBlock of an assistant's message, and warns of nothing.
#
# Why it matters: the first picture comes, and "now blue" ends in a server's 400, or comes without the picture. What reads only
# image_generation_call items, as OpenAI documents them, has nothing to change. Send `[asked, next]` with the picture in the user's `next`.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/lib/llama_cpp.sh"

serve_llama_cpp

with_packages llama-index-llms-openai==0.8.3 llama-index-core==0.14.25 openai==2.54.0 <<'PY'
import http.server
import json
import os
import threading
import urllib.error
import urllib.request

from llama_index.core.llms import ChatMessage, ImageBlock, TextBlock
from llama_index.llms.openai import OpenAI, OpenAIResponses
from openai.types.responses import ResponseInputItemParam
from pydantic import TypeAdapter, ValidationError

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
            "tool_choice": "auto", "parallel_tool_calls": True, "usage": {
                "input_tokens": 1, "output_tokens": 1, "total_tokens": 2, "input_tokens_details": {"cached_tokens": 0},
                "output_tokens_details": {"reasoning_tokens": 0}}, "output": [
                {"type": "image_generation_call", "id": "ig_1", "status": "completed", "result": PICTURE},
                {"type": "message", "id": "msg_1", "status": "completed", "role": "assistant", "content": [said]}]}

    def chat(self):
        return {"id": "c", "object": "chat.completion", "created": 1, "model": "m", "choices": [
            {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "Which house?"}}]}

    def log_message(self, *_):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Artist)
threading.Thread(target=server.serve_forever, daemon=True).start()
settings = {"model": "gpt-4o", "api_base": f"http://127.0.0.1:{server.server_port}/v1", "api_key": "k"}
asked, after = ChatMessage(role="user", content="a red house"), ChatMessage(role="user", content="now blue")


def is_of_openai(item):
    try:
        taken = TypeAdapter(ResponseInputItemParam).validate_python(item)
        list(taken.get("content", []))  # lists are read when they are gone through
        return True
    except ValidationError:
        return False


def llama_cpp_says(item):
    body = {"model": "tiny", "input": [{"role": "user", "content": "hi"}, item, {"role": "user", "content": "hi"}]}
    request = urllib.request.Request(os.environ["LLAMA_CPP"] + "/v1/responses", json.dumps(body).encode(),
                                     {"content-type": "application/json"})
    try:
        return "", urllib.request.urlopen(request).status
    except urllib.error.HTTPError as error:
        return json.load(error)["error"]["message"], error.code


for more in ({}, {"track_previous_responses": True}):
    model = OpenAIResponses(**settings, built_in_tools=[{"type": "image_generation"}], **more)
    drawn = model.chat([asked]).message
    model.chat([asked, drawn, after])
    first, sent, last = bodies[-1]["input"]
    print(more, "sends", json.dumps(sent), "behind", bodies[-1]["previous_response_id"])
    assert [part["type"] for part in sent["content"]] == ["input_image", "output_text"] and "ig_1" not in json.dumps(sent)
    assert bodies[-1]["previous_response_id"] == ("resp_1" if more else None)
    assert is_of_openai(first) and is_of_openai(last) and not is_of_openai(sent)

assert is_of_openai({"type": "image_generation_call", "id": "ig_1", "status": "completed", "result": PICTURE})
whole = {"type": "message", "id": "msg_1", "status": "completed", "role": "assistant"}
words = {"type": "output_text", "text": "Here it is.", "annotations": []}
picture = next(part for part in sent["content"] if part["type"] == "input_image")
for content, status in (([words], 200), ([picture, words], 400), ([picture], 400)):
    text, got = llama_cpp_says({**whole, "content": content})
    print("llama.cpp, asked with", [part["type"] for part in content], "says", got, text)
    assert got == status

blocks = [TextBlock(text="Here it is."), ImageBlock(image=b"\x89PNG\r\n\x1a\n", image_mimetype="image/png")]
OpenAI(**settings).chat([asked, ChatMessage(role="assistant", blocks=blocks), after])
print("the chat API is sent", bodies[-1]["messages"])
assert [message["content"] for message in bodies[-1]["messages"]] == ["a red house", "Here it is.", "now blue"]
PY
