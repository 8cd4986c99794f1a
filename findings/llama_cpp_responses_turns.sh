#!/usr/bin/env bash
# llama.cpp's /v1/responses refuses what the assistant said, in OpenAI's short form: second turns are a 400.
#
# Seen with llama.cpp's own server in xllamacpp 2026.10.11549 and, as clients, openai 3.57.0 for Python, ai 7.0.173,
# @ai-sdk/openai 4.0.118 and @ai-sdk/xai 5.0.12 of npm. A turn is {"role": ..., "content": "..."}; OpenAI's OpenAPI
# (EasyInputMessage) and its clients' types know the roles user, assistant, system and developer there and require
# no `type`. llama.cpp takes three of them; the assistant's is "Cannot determine type of 'item'" unless it has
# "type": "message". ai writes such turns without it: its first answer comes, every later one is a 400. What its
# `response.messages` remember goes the same way; @ai-sdk/openai sends that as a reference to what the server is
# thought to have stored, and llama.cpp stores nothing. Reported to llama.cpp as issue 26394.
#
# Why it matters: a test of one turn passes, and the first conversation breaks. Who passes conversations on should
# ask llama.cpp at /v1/chat/completions, or add the type.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/lib/llama_cpp.sh"
. "$(dirname "${BASH_SOURCE[0]}")/lib/node.sh"

serve_llama_cpp

with_packages openai==3.57.0 <<'PY'
import os

import openai

client = openai.OpenAI(base_url=os.environ["LLAMA_CPP"] + "/v1", api_key="k")


def second_turn(role, **more):
    turn = {"role": role, "content": "hello", **more}
    try:
        turns = [{"role": "user", "content": "hi"}, turn, {"role": "user", "content": "hi"}]
        answer = client.responses.create(model="tiny", input=turns).output_text
    except openai.BadRequestError as error:
        answer = error.message
    print(turn, "->", answer)
    return answer


for role in ("user", "system", "developer"):
    assert second_turn(role) == "hello"
assert second_turn("assistant", type="message") == "hello"
assert "Cannot determine type of 'item'" in second_turn("assistant")
PY

with_npm ai@7.0.173 @ai-sdk/openai@4.0.118 @ai-sdk/xai@5.0.12 <<'JS'
import assert from "node:assert/strict";
import { createOpenAI } from "@ai-sdk/openai";
import { createXai } from "@ai-sdk/xai";
import { generateText } from "ai";

const server = { baseURL: `${process.env.LLAMA_CPP}/v1`, apiKey: "k" };
const hi = { role: "user", content: "hi" };

for (const [name, create] of [["@ai-sdk/openai", createOpenAI], ["@ai-sdk/xai", createXai]]) {
  const model = create(server).responses("tiny");
  const first = await generateText({ model, messages: [hi] });
  assert.equal(first.text, "hello");
  for (const said of [[{ role: "assistant", content: first.text }], first.response.messages]) {
    await assert.rejects(generateText({ model, messages: [hi, ...said, hi] }), (error) => {
      console.log(`${name}: ${JSON.stringify(error.requestBodyValues.input[1])} -> ${error.statusCode}, ${error.message}`);
      return error.statusCode === 400 && error.message === "Cannot determine type of 'item'";
    });
  }
}
JS
