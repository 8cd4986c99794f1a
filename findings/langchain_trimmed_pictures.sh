#!/usr/bin/env bash
# LangChain counts a picture that a model made as half a million tokens, and trims it away with the order for it.
#
# Seen with langchain-core 1.8.3, langchain-openai 1.7.4 and openai 3.57.0. `count_tokens_approximately`, which `trim_messages` takes as
# token_counter="approximate", applies by its text "a fixed token penalty per image instead of counting base64-encoded characters", 85. It knows
# a picture by `image` and `image_url`. ChatOpenAI's own message for a picture made over the Responses API, an `image_generation_call`, is
# neither: its base64 is counted, a token for four characters, so 2 MB are 500,000 tokens. A conversation of four turns trimmed to 10,000 then has only
# its last. With output_version="v1" the same answer is an `image`, counts 85, and all turns are kept.
#
# Why it matters: "now blue" is sent without the house that is to be blue, no error is raised, and the model draws something else. Whatever
# trims or summarises by this count does so after each picture.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/lib/python.sh"

with_packages langchain-core==1.8.3 langchain-openai==1.7.4 openai==3.57.0 <<'PY'
import http.server
import json
import threading

from langchain_core.messages import HumanMessage, SystemMessage, trim_messages
from langchain_core.messages.utils import count_tokens_approximately
from langchain_openai import ChatOpenAI

PICTURE = "A" * 2_000_000  # base64 of 1.5 MB


class Responses(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        self.rfile.read(int(self.headers["content-length"]))
        output = [{"type": "image_generation_call", "id": "ig_1", "status": "completed", "result": PICTURE},
                  {"type": "message", "id": "msg_1", "status": "completed", "role": "assistant",
                   "content": [{"type": "output_text", "text": "A red house.", "annotations": []}]}]
        answer = {"id": "resp_1", "object": "response", "created_at": 1, "model": "m", "status": "completed", "output": output,
                  "parallel_tool_calls": True, "tool_choice": "auto", "tools": []}
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.end_headers()
        self.wfile.write(json.dumps(answer).encode())

    def log_message(self, *_):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Responses)
threading.Thread(target=server.serve_forever, daemon=True).start()


def trimmed(**options):
    """The picture's block, the tokens of a conversation with it, and what is left of its turns."""
    model = ChatOpenAI(model="m", base_url=f"http://127.0.0.1:{server.server_port}/v1", api_key="k", use_responses_api=True,
                       **options)
    order = HumanMessage("draw a red house")
    answer = model.bind_tools([{"type": "image_generation"}]).invoke([order])
    turns = [SystemMessage("You draw."), order, answer, HumanMessage("now blue")]
    tokens = count_tokens_approximately(turns)
    kept = trim_messages(turns, max_tokens=10_000, token_counter="approximate", strategy="last", include_system=True)
    block = answer.content[0]["type"]
    print(f"{options or 'default'}: {block}, {tokens} tokens, kept", [turn.type for turn in kept])
    return block, tokens, [turn.type for turn in kept]


block, tokens, kept = trimmed()
assert block == "image_generation_call" and 500_000 < tokens < 501_000 and kept == ["system", "human"]
block, tokens, kept = trimmed(output_version="v1")
assert block == "image" and tokens < 200 and kept == ["system", "human", "ai", "human"]
PY
