#!/usr/bin/env bash
# llama.cpp's streamed /v1/responses has no indices: the clients made for it fail at that, or read an empty text.
#
# Seen with llama.cpp's own server in xllamacpp 2026.10.11549 and, as clients, openai 3.57.0 and 2.8.1 for Python,
# openai 7.59.0, ai 7.0.173, @ai-sdk/openai 4.0.118 and @ai-sdk/xai 5.0.12 of npm. OpenAI's OpenAPI (2.3.0 of the
# document) requires `sequence_number` in every event, `output_index` and `content_index` in those of texts, and
# `output`, `created_at` and `model` in the response of `response.created`. llama.cpp sends none of them.
# Without a stream all read the answer, and Python's `create(stream=True)` hands the events over. The helper
# `responses.stream` ends in a TypeError (Python 3.57.0), an AttributeError (2.8.1) or "missing output at index
# undefined" (JavaScript). ai's `streamText` has an empty `text`; with @ai-sdk/xai the reason of its end is "stop",
# as if that were all that the model said, and only `onError` and the full stream know better.
# With the fields added all clients of npm read "hello". Reported to llama.cpp as issue 20607.
#
# Why it matters: a server that has the route is no server that speaks it; who passes such streams on should ask
# llama.cpp at /v1/chat/completions and write the events itself.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/lib/llama_cpp.sh"
. "$(dirname "${BASH_SOURCE[0]}")/lib/node.sh"

serve_llama_cpp

program=$(cat <<'PY'
import os

import openai

client = openai.OpenAI(base_url=os.environ["LLAMA_CPP"] + "/v1", api_key="k")
order = {"model": "tiny", "input": "hi"}

assert client.responses.create(**order).output_text == "hello"
events = [event.to_dict() for event in client.responses.create(**order, stream=True)]
assert "".join(event["delta"] for event in events if event["type"] == "response.output_text.delta") == "hello"
for event in events:
    print(event["type"], sorted(event.keys() - {"type"}))
    assert not event.keys() & {"sequence_number", "output_index", "content_index"}
assert events[0]["response"].keys() == {"id", "object", "status"}

try:
    with client.responses.stream(**order) as stream:
        stream.get_final_response()
    raise SystemExit("the helper read it")
except (TypeError, AttributeError) as error:
    print(f"responses.stream: {type(error).__name__}: {error}")
    assert type(error) is (AttributeError if openai.__version__.startswith("2.") else TypeError)
PY
)
for version in 3.57.0 2.8.1; do
  with_packages "openai==$version" <<<"$program"
done

with_npm openai@7.59.0 ai@7.0.173 @ai-sdk/openai@4.0.118 @ai-sdk/xai@5.0.12 <<'JS'
import assert from "node:assert/strict";
import { createOpenAI } from "@ai-sdk/openai";
import { createXai } from "@ai-sdk/xai";
import { generateText, streamText } from "ai";
import OpenAI from "openai";

const server = { baseURL: `${process.env.LLAMA_CPP}/v1`, apiKey: "k" };

// llama.cpp's answer with the fields added that OpenAI's has.
async function mended(...request) {
  const answer = await fetch(...request);
  let sequence_number = 0;
  const events = (await answer.text()).replace(/^data: (.*)$/gm, (_, data) => {
    const event = { output_index: 0, content_index: 0, sequence_number: sequence_number++, ...JSON.parse(data) };
    if (event.response) event.response = { output: [], created_at: 1, model: "tiny", ...event.response };
    return `data: ${JSON.stringify(event)}`;
  });
  return new Response(events, answer);
}

const whole = await new OpenAI(server).responses.create({ model: "tiny", input: "hi" });
assert.equal(whole.output_text, "hello");
const read = async (more) => {
  const stream = new OpenAI({ ...server, ...more }).responses.stream({ model: "tiny", input: "hi" });
  return (await stream.finalResponse()).output_text;
};
await assert.rejects(read(), (error) => {
  console.log("responses.stream:", error.message);
  return error.message === "missing output at index undefined";
});
assert.equal(await read({ fetch: mended }), "hello");

async function streamed(name, provider) {
  const errors = [];
  const onError = ({ error }) => errors.push(error);
  const stream = streamText({ model: provider.responses("tiny"), prompt: "hi", onError });
  const [text, reason] = [await stream.text, await stream.finishReason];
  console.log(`${name}: text "${text}", ended by "${reason}", ${errors.length} errors`);
  return [text, reason, errors.length > 0];
}

for (const [name, create, reason] of [["@ai-sdk/openai", createOpenAI, "error"], ["@ai-sdk/xai", createXai, "stop"]]) {
  const provider = create(server);
  assert.equal((await generateText({ model: provider.responses("tiny"), prompt: "hi" })).text, "hello");
  assert.deepEqual(await streamed(name, provider), ["", reason, true]);
  assert.deepEqual(await streamed(`${name}, mended`, create({ ...server, fetch: mended })), ["hello", "stop", false]);
}
JS
