"""Conversations with models that make pictures, in the words of the two APIs, plain and with the OpenAI
client as it is shipped."""

import base64
import json
import re

import pytest
import requests

from program import PAPERLAND, ROOT, Server, jpeg_size, wait_until
from test_edits import BLUE, RED, TINY_KLEIN, data_url

openai = pytest.importorskip("openai", reason="the openai package is not installed")
PROMPT = "a red house"
RECORDED = ["response.created", "response.in_progress", "response.output_item.added",
            "response.image_generation_call.in_progress", "response.image_generation_call.generating",
            "response.image_generation_call.completed", "response.output_item.done",
            "response.output_item.added", "response.content_part.added", "response.output_text.delta",
            "response.output_text.done", "response.content_part.done", "response.output_item.done",
            "response.completed"]


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with Server(tmp_path_factory.mktemp("chat"), "--picture-metadata", "off",
                "--set", f"models.paperland.path={PAPERLAND}", "--set", 'models.paperland.price_usd="0.02"',
                "--set", f"models.tiny-klein.path={TINY_KLEIN}", "--set", "models.tiny-klein.steps=1",
                "--set", f"models.tiny-flux1.path={ROOT / 'tests/golden/b1'}", "--set", "models.tiny-flux1.steps=1",
                "--set", f"models.slow.path={PAPERLAND}", "--set", "models.slow.steps=100") as running:
        yield running


def post(server, path, **body):
    return requests.post(server.url + path, json=body, headers=server.headers(), timeout=120,
                         stream=bool(body.get("stream")))


def chat(server, *messages, model="paperland", **body):
    return post(server, "/v1/chat/completions", model=model, messages=list(messages), **body)


def user(text, *pictures):
    parts = [{"type": "image_url", "image_url": {"url": url}} for url in pictures]
    return {"role": "user", "content": [*parts, {"type": "text", "text": text}] if parts else text}


def jobs(server):
    return server.query("SELECT kind, state FROM jobs ORDER BY sequence")


def references(server):
    """How many pictures the last edit was given."""
    return server.query("SELECT count(*) FROM job_inputs WHERE job_id ="
                        " (SELECT id FROM jobs ORDER BY sequence DESC LIMIT 1)")[0][0]


def events(reply):
    assert reply.headers["content-type"] == "text/event-stream"
    for block in reply.text.split("\n\n"):
        lines = dict(line.split(": ", 1) for line in block.splitlines() if not line.startswith(":"))
        if lines:
            yield lines


def test_a_completion_is_a_picture_in_markdown_and_in_images(server):
    body = chat(server, user(PROMPT)).json()
    message = body["choices"][0]["message"]
    (url,) = re.fullmatch(r"!\[a red house\]\((http\S+)\)", message["content"]).groups()
    assert message["images"][0]["image_url"]["url"] == url
    assert jpeg_size(requests.get(url, timeout=10).content) == (1024, 1024)
    assert body["object"] == "chat.completion" and body["id"].startswith("chatcmpl-")
    assert body["usage"]["cost_in_usd_ticks"] == 200_000_000
    assert body["usage"]["prompt_tokens"] > 0


def test_openai_reads_completions_whole_and_as_a_stream(client):
    whole = client.chat.completions.create(model="paperland", messages=[user(PROMPT)], n=2)
    assert [choice.finish_reason for choice in whole.choices] == ["stop", "stop"]
    assert all("](http" in choice.message.content for choice in whole.choices)
    text, finish, usage = "", None, None
    for chunk in client.chat.completions.create(model="paperland", messages=[user(PROMPT)], stream=True,
                                                stream_options={"include_usage": True}):
        usage = chunk.usage or usage
        for choice in chunk.choices:
            text += choice.delta.content or ""
            finish = choice.finish_reason or finish
    assert text.startswith("![a red house](http") and finish == "stop"
    assert usage.cost_in_usd_ticks == 200_000_000


def test_a_stream_ends_as_clients_expect_it(server):
    seen = [event["data"] for event in events(chat(server, user(PROMPT), stream=True))]
    assert seen[-1] == "[DONE]"
    first = json.loads(seen[0])["choices"][0]
    assert first["delta"] == {"role": "assistant", "content": ""} and first["finish_reason"] is None


def test_a_response_has_the_items_and_events_in_the_recorded_order(server, client):
    reply = post(server, "/v1/responses", model="paperland", input=PROMPT, stream=True,
                 tools=[{"type": "image_generation"}])
    seen = list(events(reply))
    assert [event["event"] for event in seen] == RECORDED
    told = [json.loads(event["data"]) for event in seen]
    assert [event["sequence_number"] for event in told] == list(range(len(told)))
    assert [event["type"] for event in told] == RECORDED
    assert told[2]["item"]["result"] is None
    item = told[6]["item"]
    assert item["type"] == "image_generation_call" and item["status"] == "completed"
    assert item["id"] == told[2]["item"]["id"] and item["prompt"] == PROMPT
    assert jpeg_size(base64.b64decode(item["result"])) == (1024, 1024)
    whole = told[-1]["response"]
    assert [each["type"] for each in whole["output"]] == ["image_generation_call", "message"]
    assert whole["output"][0] == item
    assert whole["usage"]["server_side_tool_usage_details"] == {"image_generation_calls": 1}


def test_openai_reads_responses_whole_and_as_a_stream(client):
    tool = {"type": "image_generation", "size": "1024x1024"}
    whole = client.responses.create(model="paperland", input=PROMPT, tools=[tool], temperature=0.5)
    assert whole.tools[0].to_dict() == tool and (whole.temperature, whole.top_p) == (0.5, None)
    assert whole.status == "completed" and "](http" in whole.output_text
    assert jpeg_size(base64.b64decode(whole.output[0].result)) == (1024, 1024)
    with client.responses.stream(model="paperland", input=PROMPT) as stream:
        kinds = [event.type for event in stream]
        final = stream.get_final_response()
    assert "response.image_generation_call.completed" in kinds
    assert final.output[0].result and final.usage.total_tokens > 0


def test_previews_come_when_they_are_asked_for(server):
    reply = post(server, "/v1/responses", model="paperland", input=PROMPT, stream=True,
                 tools=[{"type": "image_generation", "partial_images": 1}])
    kinds = [event["event"] for event in events(reply)]
    assert "response.image_generation_call.partial_image" in kinds


def test_what_the_user_gives_is_edited(server):
    before = len(jobs(server))
    reply = chat(server, user("a hat", data_url(RED), data_url(BLUE)), model="tiny-klein")
    assert reply.status_code == 200, reply.text
    assert jobs(server)[before:] == [("edits", "succeeded")]
    assert references(server) == 2


def test_a_picture_that_is_given_twice_is_image_1_and_image_2_as_in_an_edit(server):
    asked = {"model": "tiny-klein", "seed": 7, "response_format": "b64_json"}
    once, twice = ([data_url(RED)] * count for count in (1, 2))

    def edited(pictures):
        reply = post(server, "/v1/images/edits", prompt="a hat", images=pictures, **asked)
        return "data:image/jpeg;base64," + reply.json()["data"][0]["b64_json"]

    def talked(*messages):
        reply = chat(server, *messages, **asked)
        assert reply.status_code == 200, reply.text
        return reply.json()["choices"][0]["message"]["images"][0]["image_url"]["url"]

    assert talked(user("a hat", *once)) == edited(once)
    assert talked(user("a hat", *twice)) == edited(twice) != edited(once)
    assert talked(user("a hat", *twice), user("a hat", *twice)) == edited(twice)  # not answered, asked again


def test_an_answer_is_edited_by_its_markdown_whatever_becomes_of_the_link(server):
    first = chat(server, user(PROMPT), model="tiny-klein").json()["choices"][0]["message"]
    stale = re.sub(r"e=\d+", "e=1000", first["content"])
    for content in (first["content"], stale):
        reply = chat(server, user(PROMPT), {"role": "assistant", "content": content}, user("now blue"),
                     model="tiny-klein")
        assert reply.status_code == 200, reply.text
        assert jobs(server)[-1] == ("edits", "succeeded")
        assert references(server) == 1


def test_the_items_of_an_answer_are_one_reference(server, client):
    first = client.responses.create(model="tiny-klein", input=PROMPT)
    said = [{"role": "user", "content": PROMPT},
            *(item.model_dump(exclude_none=True) for item in first.output),
            {"role": "user", "content": "now blue"}]
    assert client.responses.create(model="tiny-klein", input=said).status == "completed"
    assert jobs(server)[-1] == ("edits", "succeeded")
    assert references(server) == 1


@pytest.mark.parametrize("named", ["previous", "item", "reference"])
def test_an_answer_is_edited_by_its_name(server, client, named):
    first = client.responses.create(model="tiny-klein", input=PROMPT)
    name = {"id": first.output[0].id}
    said = {"previous": {"input": "now blue", "previous_response_id": first.id},
            "item": {"input": [{"type": "image_generation_call"} | name, user("now blue")]},
            "reference": {"input": [{"type": "item_reference"} | name, user("now blue")]}}[named]
    second = client.responses.create(model="tiny-klein", **said)
    assert jobs(server)[-1] == ("edits", "succeeded")
    assert references(server) == 1
    assert second.previous_response_id == (first.id if named == "previous" else None)


def test_what_nobody_has_answered_is_not_found(client):
    nobody = "resp_019ad0c4-5b1e-7a3c-8f11-0123456789ab"
    with pytest.raises(openai.NotFoundError, match="there is no answer"):
        client.responses.create(model="tiny-klein", input="blue", previous_response_id=nobody)


def test_a_model_without_eyes_for_references_goes_on_and_says_so(server):
    first = chat(server, user(PROMPT)).json()["choices"][0]["message"]
    reply = chat(server, user(PROMPT), {"role": "assistant", "content": first["content"]}, user("a tree"),
                 model="tiny-flux1")
    assert reply.status_code == 200, reply.text
    assert "takes no pictures" in reply.json()["warnings"][0]
    assert "takes no pictures" in reply.headers["x-imagined-warning"]
    assert jobs(server)[-1] == ("pictures", "succeeded")


def test_a_picture_for_a_model_that_takes_none_is_refused_and_costs_nothing(server):
    before = jobs(server)
    reply = chat(server, user("a hat", data_url(RED)), model="tiny-flux1")
    assert reply.status_code == 400 and "tiny-flux1" in reply.json()["error"]["message"]
    assert jobs(server) == before


def test_more_pictures_than_the_model_takes_are_refused_with_both_numbers(server):
    before = jobs(server)
    reply = chat(server, user("a hat", *[f"http://a.example/{i}" for i in range(9)]))
    assert reply.status_code == 400
    assert reply.json()["error"]["message"] == \
        'image: the model "paperland" takes 1 to 3 reference pictures, got 9'
    assert jobs(server) == before


def test_who_asks_what_a_picture_shows_is_told_who_could_say(server):
    reply = chat(server, user("what is in this picture?", data_url(RED)), model="tiny-klein")
    assert reply.status_code == 400
    assert "upstreams" in reply.json()["error"]["message"]
    made = chat(server, user(PROMPT)).json()["choices"][0]["message"]
    reply = chat(server, user(PROMPT), {"role": "assistant", "content": made["content"]},
                 user("what does this picture show?"))
    assert reply.status_code == 400
    assert "upstreams" in reply.json()["error"]["message"]


@pytest.mark.parametrize("error, body, says", [
    (openai.NotFoundError, {"model": "nobody"}, "does not exist"),
    (openai.BadRequestError, {"n": 11}, "n is 11"),
    (openai.BadRequestError, {"messages": []}, "messages"),
])
def test_openai_shows_what_is_wrong(client, error, body, says):
    with pytest.raises(error, match=says):
        client.chat.completions.create(**({"model": "paperland", "messages": [user(PROMPT)]} | body))


def test_a_broken_picture_ends_a_stream_with_its_name(server, client):
    with pytest.raises(openai.APIError, match="image 1 is a broken or cut png"):
        for _ in client.chat.completions.create(model="tiny-klein", stream=True,
                                                messages=[user("a hat", data_url(RED[:-20]))]):
            pass
    with pytest.raises(openai.APIError, match="image 1 is a broken or cut png"):
        for _ in client.responses.create(
                model="tiny-klein", stream=True,
                input=[{"role": "user", "content": [
                    {"type": "input_text", "text": "a hat"},
                    {"type": "input_image", "image_url": data_url(RED[:-20])}]}]):
            pass


def test_who_leaves_a_stream_cancels(server):
    reply = chat(server, user(PROMPT), model="slow", n=10, stream=True)  # far longer than it takes to notice
    pieces = reply.iter_content(64)
    assert next(pieces)
    reply.close()
    wait_until(lambda: jobs(server)[-1] == ("pictures", "cancelled"), "the end of the job")


def test_limits_and_keys_hold_as_for_pictures(server):
    limited = server.make_key("--per-second", 1000, "--per-minute", 1)["key"]
    body = {"model": "paperland", "messages": [user(PROMPT)]}
    replies = [requests.post(f"{server.url}/v1/chat/completions", json=body, timeout=60,
                             headers={"Authorization": f"Bearer {key}"})
               for key in (limited, limited, "imk_wrong")]
    assert [reply.status_code for reply in replies] == [200, 429, 401]
    assert replies[0].headers["x-ratelimit-limit"] == "1"
