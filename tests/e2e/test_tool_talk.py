"""A model of another server that is given our tools for pictures: what it is asked in each round, what comes
of its calls, and how the answer is told. The other server is played by scripts (upstream.py)."""

import base64
import json
import threading

import pytest
import requests

from program import ROOT, run, stopped, wait_until
from servers import openai_of
from test_chat import RECORDED, events
from test_edits import RED, TINY_KLEIN, data_url
from test_relay import post
from upstream import Beat, Upstream, chunk, completion, json_answer, leave, sse, stream_answer

openai = pytest.importorskip("openai", reason="the openai package is not installed")
MAKE, CHANGE = "imagine_text_to_image", "imagine_image_to_image"
TOOL = {"type": "image_generation"}
HOUSE = {"prompt": "a red house", "aspect_ratio": "16:9"}
TAKES_NO_PICTURES = ("--set", f"models.grok-imagine-image.path={ROOT / 'tests/golden/b1'}",
                     "--set", "models.grok-imagine-image.steps=1")


def calls_of(*wanted):
    """Calls as completions have them: (name, arguments) each."""
    return [{"index": i, "id": f"call_{i}", "type": "function",
             "function": {"name": name, "arguments": json.dumps(arguments)}}
            for i, (name, arguments) in enumerate(wanted)]


def says(*pieces, calls=(), reason="stop"):
    """A round as a stream of completions; arguments come in two pieces."""
    chunks = [chunk(piece) for piece in pieces]
    for call in calls_of(*calls):
        whole = call["function"]["arguments"]
        first = {**call, "function": {**call["function"], "arguments": whole[:9]}}
        rest = {"index": call["index"], "function": {"arguments": whole[9:]}}
        chunks += [chunk("", choices=[{"index": 0, "delta": {"tool_calls": [part]}, "finish_reason": None}])
                   for part in (first, rest)]
    chunks.append(chunk("", choices=[{"index": 0, "delta": {},
                                      "finish_reason": "tool_calls" if calls else reason}]))
    chunks.append(chunk("", choices=[], usage={"prompt_tokens": 10, "completion_tokens": 5}))
    return stream_answer(sse(*chunks, "[DONE]"))


def responds(text="", calls=()):
    """A round as a stream of responses."""
    items = [{"type": "function_call", "id": f"fc_{i}", "call_id": f"call_{i}", "status": "completed",
              "name": name, "arguments": json.dumps(arguments)} for i, (name, arguments) in enumerate(calls)]
    told = []
    if text:
        items.append({"type": "message", "id": "msg_1", "role": "assistant", "status": "completed",
                      "content": [{"type": "output_text", "text": text, "annotations": []}]})
        place = {"item_id": "msg_1", "output_index": 0}
        told = [{"type": "response.output_item.added", "output_index": 0,
                 "item": items[-1] | {"status": "in_progress", "content": []}},
                *({"type": "response.output_text.delta", "delta": piece, "content_index": 0} | place
                  for piece in (text[:3], text[3:]))]
    done = {"type": "response.completed", "response": {
        "id": "resp_1", "object": "response", "created_at": 1, "model": "far", "status": "completed", "output": items, "usage": {"input_tokens": 10, "output_tokens": 5}}}
    return stream_answer(b"".join(f"event: {each['type']}\n".encode() + sse(each) for each in [*told, done]))


@pytest.fixture
def talk(start_server, tmp_path):
    """A server before the given upstream, whose model `talker` it gives the name `far` and pairs with the
    built-in model as `pair`."""
    upstreams = []

    def start(upstream, settings="", arguments=(), **options):
        upstreams.append(upstream)
        file = tmp_path / "talk.toml"
        file.write_text(f'[upstreams.u]\nbase_url = "{upstream.url}"\nmodels = ["far=talker"]\n'
                        f'price_output_usd = "1"\n{settings}\n'
                        '[chats.pair]\ntalks = "far"\nmakes = "grok-imagine-image"\n')
        return start_server("--config", file, *arguments, **options)

    yield start
    for each in upstreams:
        each.close()


def ask(server, text="draw a house", model="pair", **body):
    return post(server, {"model": model, "messages": [{"role": "user", "content": text}]} | body)


def respond(server, text="draw a house", model="far", tools=(TOOL,), **body):
    return post(server, {"model": model, "input": text, "tools": list(tools)} | body, "/v1/responses")


def loaded(server, model="grok-imagine-image"):
    """The server, when its worker has told what the model takes."""
    wait_until(lambda: server.get(f"/v1/models/{model}").json()["status"] == "ready", "the model")
    return server


def sent(upstream, round_):
    return json.loads(upstream.requests[round_][2])


def charges(server):
    return server.query("SELECT model, outcome, pictures, cost_usd_ticks FROM charges ORDER BY id")


def test_a_pair_talks_and_makes_pictures(talk):
    upstream = Upstream(says("Here it ", "comes.", calls=[(MAKE, HOUSE)]), says("Done ", "it is."))
    server = loaded(talk(upstream))
    reply = ask(server)
    assert reply.status_code == 200, reply.text
    message = reply.json()["choices"][0]["message"]
    url = message["images"][0]["image_url"]["url"]
    assert message["content"] == f"Here it comes.\n\n![a red house]({url})\n\nDone it is."
    assert requests.get(url, timeout=10).headers["content-type"] == "image/jpeg"
    assert reply.json()["choices"][0]["finish_reason"] == "stop"
    assert reply.headers["x-imagined-upstream"] == "u"
    first = sent(upstream, 0)
    assert first["model"] == "talker" and first["stream"] is True
    assert [each["function"]["name"] for each in first["tools"]] == [MAKE, CHANGE]
    second = sent(upstream, 1)["messages"]
    assert second[1]["tool_calls"][0]["function"] == {"name": MAKE, "arguments": json.dumps(HOUSE)}
    assert second[2]["role"] == "tool" and second[2]["tool_call_id"] == "call_0"
    assert json.loads(second[2]["content"])["pictures"][0].startswith("ig_")
    # Two rounds of five tokens at a dollar a million, and a picture.
    wait_until(lambda: len(charges(server)) == 3, "the charges")
    assert sorted(charges(server)) == [("grok-imagine-image", "delivered", 1, 200_000_000),
                                       ("pair", "delivered", 1, 50_000), ("pair", "delivered", 1, 50_000)]
    usage = reply.json()["usage"]
    assert usage["cost_in_usd_ticks"] == 200_100_000 and usage["images"] == 1
    assert (usage["prompt_tokens"], usage["completion_tokens"]) == (20, 10)
    assert run("usage", "--check", "--data-dir", server.data_dir).returncode == 0
    rows = json.loads(run("usage", "--json", "--data-dir", server.data_dir).stdout)["usage"]
    assert [(row["model"], row["requests"], row["pictures"]) for row in rows] == [
        ("grok-imagine-image", 1, 1), ("pair", 2, 0)], "words are no pictures"


def test_a_pair_streams_words_and_pictures_as_they_come(talk):
    never = threading.Event()
    last = says("Done.")
    upstream = Upstream(says("Here.", calls=[(MAKE, HOUSE)]),
                        (200, {"content-type": "text/event-stream"}, sse(chunk("Done")), never, *last[2:]))
    server = talk(upstream)
    with openai_of(server) as client:
        stream = client.chat.completions.create(
            model="pair", messages=[{"role": "user", "content": "draw a house"}], stream=True,
            stream_options={"include_usage": True})
        content, images = "", []
        for each in stream:
            for choice in each.choices:
                content += choice.delta.content or ""
                images += (choice.delta.model_extra or {}).get("images", [])
            if content.endswith("Done"):
                never.set()  # what has been said is not kept back until the end
            usage = each.usage
    assert content.startswith("Here.\n\n![a red house](") and content.endswith("DoneDone.")
    assert len(images) == 1 and usage.completion_tokens == 10


def test_the_image_tool_of_responses_is_told_in_the_recorded_order(talk):
    upstream = Upstream(responds(calls=[(MAKE, HOUSE)]), responds("A house."))
    server = loaded(talk(upstream, arguments=TAKES_NO_PICTURES))
    reply = respond(server, stream=True)
    told = list(events(reply))
    names = [each["event"] for each in told]
    assert [name for i, name in enumerate(names) if name != "response.output_text.delta" or
            names[i - 1] != name] == RECORDED
    data = [json.loads(each["data"]) for each in told]
    assert [each["sequence_number"] for each in data] == list(range(len(data)))
    whole = data[-1]["response"]
    call, message = whole["output"]
    assert (call["type"], call["status"], call["prompt"]) == ("image_generation_call", "completed", "a red house")
    assert base64.b64decode(call["result"]).startswith(b"\xff\xd8\xff")
    assert message["content"][0]["text"] == "A house."
    assert whole["usage"]["server_side_tool_usage_details"] == {"image_generation_calls": 1}
    first, second = sent(upstream, 0), sent(upstream, 1)
    assert [each["name"] for each in first["tools"]] == [MAKE]  # changing one is not offered
    assert [each.get("type") for each in second["input"]] == ["message", "function_call", "function_call_output"]
    plain = respond(talk(Upstream(responds(calls=[(MAKE, HOUSE)]), responds("A house."))))
    assert [item["type"] for item in plain.json()["output"]] == ["image_generation_call", "message"]


def test_openai_reads_a_response_with_the_image_tool(talk):
    server = talk(Upstream(responds(calls=[(MAKE, HOUSE)]), responds("A house.")))
    with openai_of(server) as client:
        answer = client.responses.create(model="far", input="draw a house", tools=[TOOL])
    assert answer.output_text == "A house."
    assert answer.output[0].type == "image_generation_call" and answer.output[0].result


def test_pictures_of_the_conversation_can_be_changed(talk):
    """By what they are called: the user's, those of this answer, and those of an answer before."""
    change = {"prompt": "in blue", "images": ["image_1"]}
    upstream = Upstream(responds(calls=[(MAKE, HOUSE)]), responds("A house."))
    server = talk(upstream, arguments=TAKES_NO_PICTURES)
    item = respond(server).json()["output"][0]
    given = {"role": "user", "content": [{"type": "input_image", "image_url": data_url(RED)},
                                         {"type": "input_text", "text": "and now in blue"}]}
    upstream.script = [responds(calls=[(CHANGE, change),
                                       (CHANGE, {"prompt": "b", "images": [item["id"]]}),
                                       (CHANGE, {"prompt": "c", "images": ["image_7"]})]),
                       responds("Blue.")]
    answer = respond(server, [{"role": "user", "content": "draw"}, {**item, "result": None}, given])
    results = [each for each in sent(upstream, 3)["input"] if each.get("type") == "function_call_output"]
    told = [json.loads(each["output"]) for each in results]
    # Which the model that talks is told.
    assert all("takes no reference pictures" in each["error"] for each in told[:2])
    assert "there is no picture" in told[2]["error"]
    assert f"[picture {item['id']}: a red house]" in json.dumps(sent(upstream, 2)["input"])
    assert [each["type"] for each in answer.json()["output"]] == ["message"]


def test_calls_of_the_clients_own_tools_are_the_clients(talk):
    own = {"type": "function", "function": {"name": "weather", "parameters": {"type": "object"}}}
    upstream = Upstream(says(calls=[(MAKE, HOUSE), ("weather", {"at": "home"})]))
    server = loaded(talk(upstream))
    choice = ask(server, tools=[own]).json()["choices"][0]
    assert choice["finish_reason"] == "tool_calls"
    assert [call["function"]["name"] for call in choice["message"]["tool_calls"]] == ["weather"]
    assert len(choice["message"]["images"]) == 1
    assert len(upstream.requests) == 1
    assert [each["function"]["name"] for each in sent(upstream, 0)["tools"]] == ["weather", MAKE, CHANGE]
    item = {"type": "function", "name": "weather", "parameters": {"type": "object"}}
    server = talk(Upstream(responds(calls=[("weather", {"at": "home"})])))
    output = respond(server, tools=[TOOL, item]).json()["output"]
    assert [(each["type"], each["name"]) for each in output] == [("function_call", "weather")]


def test_there_are_four_rounds_and_eight_pictures(talk):
    """Whoever never ends is asked four times, the last time without tools for pictures."""
    upstream = Upstream(says(calls=[(MAKE, {"prompt": "a", "n": 4})]))
    server = talk(upstream)
    reply = ask(server)
    assert len(upstream.requests) == 4
    assert len(reply.json()["choices"][0]["message"]["images"]) == 8
    assert server.query("SELECT count(*) FROM pictures") == [(8,)]
    assert "tools" not in sent(upstream, 3)
    assert "no more than 8 pictures" in sent(upstream, 3)["messages"][-1]["content"]
    assert "tool_calls" not in reply.json()["choices"][0]["message"]


def test_what_is_not_allowed_is_told_to_the_model_and_costs_nothing(talk, tmp_path):
    rules = tmp_path / "rules.toml"
    rules.write_text('[categories.weapons]\nterms = ["catapult*"]\n')
    upstream = Upstream(says(calls=[(MAKE, {"prompt": "a catapult"}), (MAKE, {"aspect_ratio": "1:1"})]),
                        says("I may not."))
    server = talk(upstream, arguments=["--moderation-file", rules])
    reply = ask(server)
    assert reply.json()["choices"][0]["message"]["content"] == "I may not."
    told = [json.loads(each["content"])["error"] for each in sent(upstream, 1)["messages"][-2:]]
    assert "rejected" in told[0] and "prompt" in told[1]
    assert server.query("SELECT count(*) FROM jobs") == [(0,)]


@pytest.mark.parametrize("call, why", [
    ((MAKE, {"prompt": "a", "aspect_ratio": "7:3"}), "aspect_ratio"),
    ((MAKE, {"aspect_ratio": "1:1"}), "prompt"),
    ((CHANGE, {"prompt": "a", "images": ["image_9"]}), "there is no picture \"image_9\""),
    ((CHANGE, {"prompt": "a", "images": ["image_1"]}), "image"),
])
def test_a_picture_that_was_not_made_is_told_to_the_client_too(talk, call, why):
    upstream = Upstream(says("Let me draw.", calls=[call]), says("No."))
    server = talk(upstream)
    asked = {"messages": [{"role": "user", "content": [
        {"type": "text", "text": "a"}, {"type": "image_url", "image_url": {"url": "http://10.0.0.1/a.png"}}]}]}
    warning, = ask(server, **asked).json()["warnings"]
    assert warning.startswith("a picture was not made: ") and why in warning
    told = json.loads(sent(upstream, 1)["messages"][-1]["content"])["error"]
    assert told in warning


def test_the_image_tool_names_who_makes_its_pictures(talk):
    upstream = Upstream(responds(calls=[(MAKE, HOUSE)]), responds("Done."))
    server = loaded(talk(upstream, arguments=["--set", f"models.tiny.path={TINY_KLEIN}",
                                              "--set", "models.tiny.steps=1"]), "tiny")
    said = respond(server, tools=[TOOL | {"model": "tiny", "bogus": 1, "moderation": "low"}]).json()
    assert said["output"][0]["type"] == "image_generation_call"
    assert said["warnings"] == ["tools: \"bogus\": not known here and ignored"]
    wait_until(lambda: len(charges(server)) == 3, "the charges")
    assert sorted({model for model, *_ in charges(server)}) == ["far", "tiny"]
    refused = respond(server, model="pair", tools=[TOOL | {"model": "nosuch"}])
    assert refused.status_code == 404 and "nosuch" in refused.json()["error"]["message"]
    assert refused.json()["error"]["message"].startswith("tools: model: ")
    wrong = respond(server, tools=[TOOL | {"model": 5}])
    assert wrong.status_code == 422 and "tools: model: " in wrong.json()["error"]["message"]
    key = server.make_key(*server.arguments, "--models", "far,grok-imagine-image")["key"]
    body = {"model": "far", "input": "draw", "tools": [TOOL | {"model": "tiny"}]}
    kept = requests.post(f"{server.url}/v1/responses", json=body, headers=server.headers(key), timeout=30)
    assert kept.status_code == 401 and "\"tiny\"" in kept.json()["error"]["message"]
    assert len(upstream.requests) == 2


def test_whose_models_see_is_shown_what_was_made(talk):
    upstream = Upstream(says(calls=[(MAKE, HOUSE)]), says("I see a house."))
    server = talk(upstream, settings="vision = true")
    url = ask(server).json()["choices"][0]["message"]["images"][0]["image_url"]["url"]
    shown = sent(upstream, 1)["messages"][-1]["content"][1]["image_url"]["url"]
    made = requests.get(url, timeout=10).content
    assert shown == "data:image/jpeg;base64," + base64.b64encode(made).decode()


def test_what_was_made_is_not_lost_when_the_model_fails_later(talk):
    broken = json_answer({"error": {"message": "broken"}}, 503)
    server = talk(Upstream(says(calls=[(MAKE, HOUSE)]), broken))
    reply = ask(server)
    assert reply.status_code == 200
    assert len(reply.json()["choices"][0]["message"]["images"]) == 1
    assert "answered 503" in reply.json()["warnings"][0]


@pytest.mark.parametrize("answer, says_", [
    (stream_answer(sse(chunk("a")), Upstream.HANG_UP), "no whole answer"),
    (stream_answer(sse(chunk("a"))), "not understood"),
    (stream_answer(b"data: {broken\n\n"), "not understood"),
    (stream_answer(sse(chunk("a"), {"error": {"message": "out of memory"}})), "says: out of memory"),
    (stream_answer(sse("[DONE]")), "not understood"),
    (stream_answer(*[b"data: " + b"x" * (1 << 20)] * 9), "not understood"),
])
def test_a_round_that_is_none_is_the_end_and_costs_nothing(talk, answer, says_):
    server = talk(Upstream(answer))
    reply = ask(server)
    assert reply.status_code == 503 and says_ in reply.json()["error"]["message"]
    assert charges(server) == []
    last = ask(server, stream=True).text.strip().split("\n\n")[-1]
    assert says_ in json.loads(last.removeprefix("data: "))["error"]["message"]


def test_an_answer_that_is_not_understood_is_not_asked_for_again_by_its_client(talk):
    upstream = Upstream(json_answer([]))
    server = talk(upstream, settings="responses = false")
    with pytest.raises(openai.InternalServerError) as caught:
        openai.OpenAI(base_url=server.url + "/v1", api_key=server.key).responses.create(model="far", input="hi")
    assert "not understood" in caught.value.message
    assert caught.value.response.headers["x-should-retry"] == "false"
    assert len(upstream.requests) == 1


def saying(delta):
    return sse(chunk("", choices=[{"index": 0, "delta": delta, "finish_reason": None}]))


@pytest.mark.parametrize("wordless", [
    b": PROCESSING\n\n", saying({"reasoning_content": "hm"}),
    saying({"tool_calls": [{"index": 0, "function": {"arguments": " "}}]})])
def test_who_says_nothing_for_the_client_keeps_it_and_works_for_nobody_who_has_left(talk, wordless):
    """It goes on for about 20 s."""
    pieces = [part for _ in range(400) for part in (wordless, Beat())]
    upstream = Upstream(stream_answer(*pieces, sse(chunk("late"))))
    server = talk(upstream)
    reply = requests.post(server.url + "/v1/chat/completions", headers=server.headers(), stream=True, timeout=30,
                          json={"model": "pair", "stream": True, "messages": [{"role": "user", "content": "a"}]})
    assert any(line.startswith(b": ") for line in reply.iter_lines(chunk_size=1) if b"late" not in line)
    reply.close()
    assert upstream.gone.wait(20)


def test_an_event_without_end_is_not_read_to_its_end(talk):
    """39 MiB: what the sockets hold is less."""
    upstream = Upstream(stream_answer(*[b"x" * 65536] * 624))
    assert "not understood" in ask(talk(upstream), stream=True).text
    assert upstream.gone.wait(20)


def test_a_first_answer_that_is_refused_is_passed_on_as_it_is(talk):
    said = {"error": {"message": "context too long"}}
    server = talk(Upstream(json_answer(said, 400), json_answer(said, 429, **{"retry-after": "7"})))
    assert (ask(server).status_code, ask(server).json()) == (400, said)
    assert ask(server).headers["retry-after"] == "7"


def test_who_knows_no_streams_is_understood_too(talk):
    wants = completion("")
    wants["choices"][0] = {"index": 0, "finish_reason": "tool_calls",
                           "message": {"role": "assistant", "content": None,
                                       "tool_calls": calls_of((MAKE, HOUSE))}}
    message = ask(talk(Upstream(json_answer(wants), json_answer(completion("Whole."))))).json()
    assert message["choices"][0]["message"]["content"].endswith(")\n\nWhole.")


def test_half_a_letter_is_kept_until_its_other_half_comes(talk):
    text = says("caf\u00e9 \U0001F600")[2].replace(b"\\u00e9", "\u00e9".encode())
    server = talk(Upstream(stream_answer(*(text[i:i + 1] for i in range(len(text))))))
    assert ask(server).json()["choices"][0]["message"]["content"] == "caf\u00e9 \U0001F600"


def test_who_leaves_ends_the_rounds_and_the_pictures(talk):
    upstream = Upstream(says(calls=[(MAKE, HOUSE)]))
    server = talk(upstream)
    with stopped(wait_until(server.worker_pid, "a worker")):
        leave(server, "/v1/chat/completions",
              {"model": "pair", "messages": [{"role": "user", "content": "a"}]}, server.job_states)
        wait_until(lambda: server.job_states() == ["cancelled"], "the end of the job")
    assert len(upstream.requests) == 1


def test_without_the_tool_or_with_the_upstreams_own_nothing_is_changed(talk):
    upstream = Upstream(json_answer(completion("as it came")))
    server = talk(upstream, settings="image_tool = true")
    assert respond(server).status_code == 200
    assert sent(upstream, 0)["tools"] == [TOOL]
    body = {"model": "far", "messages": []}
    post(server, body)
    assert sent(upstream, 1) == {"model": "talker", "messages": []}


def test_a_picture_can_be_changed_where_its_model_takes_one(talk):
    upstream = Upstream(says(calls=[(CHANGE, {"prompt": "in blue", "images": ["image_1"]})]), says("Blue."))
    server = loaded(talk(upstream, settings='[chats.changing]\ntalks = "far"\nmakes = "tiny"\n',
                         arguments=["--set", f"models.tiny.path={TINY_KLEIN}", "--set", "models.tiny.steps=1"]),
                    "tiny")
    given = [{"type": "image_url", "image_url": {"url": data_url(RED)}}, {"type": "text", "text": "in blue"}]
    reply = ask(server, given, model="changing")
    assert len(reply.json()["choices"][0]["message"]["images"]) == 1
    assert [each["function"]["name"] for each in sent(upstream, 0)["tools"]] == [MAKE, CHANGE]
    assert server.query("SELECT kind, state FROM jobs") == [("edits", "succeeded")]


def test_the_image_tool_changes_pictures_of_this_answer_and_of_those_before(talk):
    """The first model that is served makes them; this one takes references."""
    def change_what_was_made(body):
        made = json.loads(json.loads(body)["input"][-1]["output"])["pictures"]
        return responds(calls=[(CHANGE, {"prompt": "in blue", "images": made})])

    upstream = Upstream(responds(calls=[(MAKE, HOUSE)]), change_what_was_made, responds("Blue."))
    server = loaded(talk(upstream, arguments=["--set", f"models.grok-imagine-image.path={TINY_KLEIN}",
                                              "--set", "models.grok-imagine-image.steps=1"]))
    house, blue, message = respond(server).json()["output"]
    assert (house["prompt"], blue["prompt"]) == ("a red house", "in blue")
    assert message["content"][0]["text"] == "Blue." and house["result"] != blue["result"]
    # Of an answer before, by its id alone; and what the user gives, by its number.
    for images, given in (([blue["id"]], [{"type": "input_text", "text": "in green"}]),
                          (["image_1"], [{"type": "input_image", "image_url": data_url(RED)},
                                         {"type": "input_text", "text": "in green"}])):
        upstream.script = [responds(calls=[(CHANGE, {"prompt": "in green", "images": images})]), responds("Green.")]
        reply = respond(server, [{"role": "user", "content": "draw"}, {**blue, "result": None},
                                 {"role": "user", "content": given}], stream=True)
        told = list(events(reply))
        names = [each["event"] for each in told]
        assert [name for i, name in enumerate(names) if name != "response.output_text.delta" or
                names[i - 1] != name] == RECORDED
        green = json.loads(told[-1]["data"])["response"]["output"][0]
        assert (green["type"], green["prompt"], green["status"]) == ("image_generation_call", "in green", "completed")
        assert base64.b64decode(green["result"]).startswith(b"\xff\xd8\xff")
    assert server.query("SELECT kind, state FROM jobs ORDER BY sequence") == [
        ("pictures", "succeeded"), *[("edits", "succeeded")] * 3]


def test_a_key_without_the_model_that_makes_the_pictures_is_refused_by_its_name(talk):
    upstream = Upstream(says("never"), responds("never"))
    server = talk(upstream)
    for models, body, path in (
            ("pair,far", {"model": "pair", "messages": [{"role": "user", "content": "hi"}]}, "/v1/chat/completions"),
            ("far", {"model": "far", "input": "draw", "tools": [TOOL]}, "/v1/responses")):
        key = server.make_key(*server.arguments, "--models", models)["key"]
        refused = requests.post(server.url + path, json=body, headers=server.headers(key), timeout=30)
        assert refused.status_code == 401, refused.text
        said = refused.json()["error"]["message"]
        assert "not allowed to use the model \"grok-imagine-image\"" in said and "makes the pictures of" in said
    assert upstream.requests == []
    able = server.make_key(*server.arguments, "--models", "pair,grok-imagine-image")["key"]
    assert requests.post(f"{server.url}/v1/chat/completions", timeout=30, headers=server.headers(able), json={
        "model": "pair", "messages": [{"role": "user", "content": "hi"}]}).status_code == 200


def test_a_picture_that_a_limit_keeps_back_is_a_warning(talk):
    upstream = Upstream(says(calls=[(MAKE, {"prompt": "a", "n": 2})]), says("I may not."))
    server = talk(upstream)
    key = server.make_key("--pictures-per-day", 1)["key"]  # words are none

    def told(**body):
        return requests.post(f"{server.url}/v1/chat/completions", timeout=30, headers=server.headers(key), json={
            "model": "pair", "messages": [{"role": "user", "content": "draw"}]} | body)

    whole = told()
    assert whole.json()["choices"][0]["message"]["content"] == "I may not."
    assert "a picture was not made: " in whole.json()["warnings"][0]
    assert "a picture was not made: " in whole.headers["x-imagined-warning"]
    upstream.script = [says(calls=[(MAKE, {"prompt": "a", "n": 2})]), says("I may not.")]
    streamed = [json.loads(each.removeprefix("data: "))
                for each in told(stream=True).text.strip().split("\n\n") if each.startswith("data: {")]
    assert "a picture was not made" in streamed[-1]["warnings"][0]


def test_what_tunes_a_picture_is_not_sent_to_who_talks(talk):
    upstream = Upstream(says("hi"))
    server = talk(upstream)
    reply = ask(server, size="1024x1024", aspect_ratio="16:9", image_config={"image_size": "2K"}, seed=7,
                temperature=0.5, response_format="url")
    assert sorted(sent(upstream, 0)) == sorted(["model", "messages", "seed", "temperature", "stream",
                                                "stream_options", "tools"])
    assert {each.split(":")[0] for each in reply.json()["warnings"]} == {
        "size", "aspect_ratio", "image_config", "response_format"}


NOTHING_THERE = (json_answer({"detail": "Not Found"}, 404), json_answer({}, 405),
                 (404, {"content-type": "text/plain"}, b"404 page not found"))


def completes(*rounds, nothing=NOTHING_THERE[0]):
    """Who knows /chat/completions alone."""
    left = list(rounds)
    return lambda body: nothing if b'"input"' in body else left.pop(0) if len(left) > 1 else left[0]


def paths(upstream):
    return [path.removeprefix("/v1") for path, _, _ in upstream.requests]


@pytest.mark.parametrize("nothing", NOTHING_THERE)
def test_who_has_completions_alone_answers_responses_too(talk, nothing):
    upstream = Upstream(completes(says("A ", "house."), nothing=nothing))
    server = talk(upstream)
    with openai_of(server) as client:
        answer = client.responses.create(model="far", input="hi", instructions="be brief", max_output_tokens=9)
        assert (answer.output_text, answer.status, answer.model) == ("A house.", "completed", "far")
        assert (answer.usage.input_tokens, answer.usage.output_tokens) == (10, 5)
        with client.responses.stream(model="far", input="hi") as stream:
            told = [event.type for event in stream]
            assert stream.get_final_response().output_text == "A house."
    assert [told[0], told[-1]] == ["response.created", "response.completed"]
    assert "response.output_text.delta" in told
    # It is asked for what it has not once.
    assert paths(upstream) == ["/responses", "/chat/completions", "/chat/completions"]
    asked = sent(upstream, 1)
    assert asked["messages"] == [{"role": "system", "content": "be brief"}, {"role": "user", "content": "hi"}]
    assert (asked["model"], asked["max_tokens"]) == ("talker", 9) and "input" not in asked
    wait_until(lambda: len(charges(server)) == 2, "the charges")
    assert charges(server) == [("far", "delivered", 1, 50_000)] * 2


ASKED = {"instructions": "be brief", "max_output_tokens": 9, "metadata": {"of": "a test"}, "parallel_tool_calls": False,
         "reasoning": {"effort": "low"}, "temperature": 0.5, "top_p": 0.25,
         "tool_choice": {"type": "function", "name": "weather"}, "text": {"format": {"type": "json_object"}},
         "tools": [{"type": "function", "name": "weather", "description": "How it is", "strict": True,
                    "parameters": {"type": "object", "properties": {"at": {"type": "string"}}}}]}


def test_a_response_repeats_what_was_asked_for(talk):
    def asked(**more):
        return post(server, {"model": "far", "input": "hi"} | ASKED | more, "/v1/responses")

    server = talk(Upstream(completes(says("Rain."))))
    whole = asked().json()
    streamed = [json.loads(each["data"])["response"] for each in events(asked(stream=True))
                if each["event"] in ("response.created", "response.in_progress", "response.completed")]
    assert len(streamed) == 3
    for response in (whole, *streamed):
        assert {name: response[name] for name in ASKED} == ASKED
    plain = respond(server, tools=[]).json()
    assert plain["tools"] == [] and plain["tool_choice"] == "auto" and plain["parallel_tool_calls"] is True
    assert [plain[name] for name in ("instructions", "max_output_tokens", "temperature", "top_p")] == [None] * 4
    with openai_of(server) as client:
        answer = client.responses.create(model="far", input="hi", **ASKED)
    assert answer.tools[0].name == "weather" and answer.tool_choice.name == "weather"
    assert (answer.temperature, answer.text.format.type) == (0.5, "json_object")
    paired = respond(server, model="pair", temperature=0.5, tools=[TOOL | {"action": "generate"}]).json()
    assert paired["tools"] == [TOOL | {"action": "generate"}] and paired["temperature"] == 0.5


def test_who_is_said_to_have_completions_alone_is_not_asked_for_more(talk):
    upstream = Upstream(says("A house."))
    server = talk(upstream, settings="responses = false")
    for model in ("far", "pair"):
        assert respond(server, model=model, tools=[]).json()["output"][0]["content"][0]["text"] == "A house."
    assert paths(upstream) == ["/chat/completions"] * 2


def test_functions_and_pictures_reach_who_has_completions_alone(talk):
    own = {"type": "function", "name": "weather", "parameters": {"type": "object"}}
    upstream = Upstream(completes(says(calls=[("weather", {"at": "home"})]), says("Rain.")))
    server = talk(upstream)
    kept = requests.post(f"{server.url}/v1/files", headers=server.headers(), timeout=30,
                         files={"file": ("red.png", RED)}, data={"purpose": "vision"}).json()["id"]
    given = {"role": "user", "content": [{"type": "input_image", "file_id": kept},
                                         {"type": "input_text", "text": "what weather is this?"}]}
    with openai_of(server) as client:
        first = client.responses.create(model="far", input=[given], tools=[own])
        (call,) = first.output
        assert (call.type, call.name, json.loads(call.arguments)) == ("function_call", "weather", {"at": "home"})
        result = {"type": "function_call_output", "call_id": call.call_id, "output": "rain"}
        second = client.responses.create(model="far", input=[given, call, result], tools=[own])
    assert second.output_text == "Rain."
    asked = sent(upstream, 2)
    assert asked["tools"][0]["function"]["name"] == "weather"
    assert asked["messages"][0]["content"][0]["image_url"]["url"] == data_url(RED)
    assert [each["role"] for each in asked["messages"]] == ["user", "assistant", "tool"]
    assert asked["messages"][1]["tool_calls"][0]["id"] == asked["messages"][2]["tool_call_id"]


def test_a_pair_with_completions_alone_makes_pictures_in_responses(talk):
    upstream = Upstream(completes(says(calls=[(MAKE, HOUSE)]), says("A house.")))
    server = loaded(talk(upstream))
    told = list(events(respond(server, model="pair", tools=[], stream=True)))
    names = [each["event"] for each in told]
    assert [name for i, name in enumerate(names) if name != "response.output_text.delta" or
            names[i - 1] != name] == RECORDED
    item, message = json.loads(told[-1]["data"])["response"]["output"]
    assert base64.b64decode(item["result"]).startswith(b"\xff\xd8\xff")
    assert message["content"][0]["text"] == "A house."
    assert paths(upstream) == ["/responses", "/chat/completions", "/chat/completions"]
    upstream.script = [completes(says("It is ", "red."))]
    again = respond(server, [{"role": "user", "content": "draw"}, {**item, "result": None},
                             {"role": "user", "content": "what is it?"}])
    assert again.json()["output"][0]["content"][0]["text"] == "It is red."
    assert f"[picture {item['id']}: a red house]" in json.dumps(sent(upstream, 3)["messages"])


def test_what_completions_have_no_words_for_is_said_by_name(talk):
    upstream = Upstream(completes(says("never")))
    server = talk(upstream)
    for body, field in (({"previous_response_id": "resp_1"}, "previous_response_id"),
                        ({"tools": [{"type": "web_search"}]}, "tools")):
        for model in ("far", "pair") if field == "tools" else ("far",):
            refused = respond(server, **({"model": model, "tools": []} | body))
            assert refused.status_code == 501, refused.text
            assert refused.headers["x-should-retry"] == "false"
            error = refused.json()["error"]
            assert error["param"] == field and error["message"].startswith(f"{field}: ")
            assert error["message"].endswith("answers 404 at /responses (Not Found)")
    assert set(paths(upstream)) == {"/responses"}
    assert charges(server) == []
    known = respond(talk(upstream, settings="responses = false"), tools=[{"type": "web_search"}])
    assert known.json()["error"]["message"].endswith('"far" is known to have nothing at /responses')


def test_a_model_that_is_not_there_at_all_is_said_in_the_servers_words(talk):
    said = {"error": {"message": "no model talker", "code": "model_not_found"}}
    upstream = Upstream(json_answer(said, 404))
    server = talk(upstream)
    for reply in (respond(server, tools=[]), respond(server, model="pair")):
        assert (reply.status_code, reply.json()) == (404, said)
    # That says nothing of /responses, which is tried each time.
    assert paths(upstream) == ["/responses", "/chat/completions"] * 2


def test_who_leaves_ends_the_work_of_who_has_completions_alone(talk):
    answer = stream_answer(sse(chunk("a")), threading.Event())
    upstream = Upstream(completes(answer))
    server = talk(upstream)
    leave(server, "/v1/responses", {"model": "far", "input": "hi", "stream": True},
          lambda: len(upstream.requests) == 2)
    wait_until(upstream.gone.is_set, "the end of its work")


@pytest.mark.parametrize("reason, told", [("length", "max_output_tokens"), ("content_filter", "content_filter")])
def test_an_answer_that_is_cut_off_says_so_in_either_words(talk, reason, told):
    cut_response = {"type": "response.incomplete", "response": {
        "status": "incomplete", "incomplete_details": {"reason": told}, "usage": {"output_tokens": 5}, "output": [
            {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "a ho"}]}]}}
    alone = talk(Upstream(completes(says("a ho", reason=reason))))
    both = talk(Upstream(stream_answer(sse(cut_response))))
    for server, model in ((alone, "far"), (alone, "pair"), (both, "pair")):
        last = list(events(respond(server, model=model, tools=[], stream=True)))[-1]
        assert last["event"] == "response.incomplete"
        whole = json.loads(last["data"])["response"]
        assert (whole["status"], whole["incomplete_details"]) == ("incomplete", {"reason": told})
        assert whole["output"][0]["content"][0]["text"] == "a ho"
    choice = ask(talk(Upstream(says("a ho", reason=reason)))).json()["choices"][0]
    assert choice["finish_reason"] == reason


@pytest.mark.parametrize("answer", [
    stream_answer(sse(chunk("hi"), "[DONE]")), json_answer(completion("hi")), json_answer({"ok": True})])
def test_an_answer_in_other_words_than_were_asked_for_costs_nothing(talk, answer):
    server = talk(Upstream(answer))
    reply = respond(server, model="pair")
    assert reply.status_code == 503 and "not understood" in reply.json()["error"]["message"]
    assert charges(server) == []


def test_what_goes_wrong_after_a_picture_is_told_in_the_servers_words(talk):
    upstream = Upstream(says(calls=[(MAKE, HOUSE)]), json_answer({"error": {"message": "out of memory"}}, 500))
    reply = ask(talk(upstream))
    assert len(reply.json()["choices"][0]["message"]["images"]) == 1
    assert "out of memory" in reply.json()["warnings"][0]


def test_what_makes_pictures_tells_a_pair_where_it_is_asked(talk):
    server = talk(Upstream(says("never")))
    for path in ("/v1/images/generations", "/v1/images/edits", "/v1/videos/generations"):
        body = {"prompt": "a", "image": {"url": data_url(RED)}} if "edits" in path else {"prompt": "a"}
        for model, says_ in (("pair", 'its pictures are made by "grok-imagine-image"'), ("far", "talks")):
            refused = requests.post(server.url + path, json=body | {"model": model}, headers=server.headers(),
                                    timeout=30)
            assert refused.status_code == 404, refused.text
            assert says_ in refused.json()["error"]["message"]
            assert "/v1/chat/completions" in refused.json()["error"]["message"]


@pytest.mark.parametrize("body, field", [
    ({"stream": "yes"}, "stream"),
    ({"messages": []}, "messages"),
    ({"messages": "hi"}, "messages"),
    ({"tools": "x"}, "tools"),
    ({"tools": [{"type": "image_generation", "size": "large"}]}, "tools"),
    ({"tools": [{"type": "image_generation", "output_format": "gif"}]}, "tools"),
    ({"tools": [{"type": "image_generation", "action": "edit"}]}, "tools"),
    ({"stream_options": 7}, "stream_options"),
    ({"deferred": True}, "deferred"),
    ({"storage_options": {"filename": "a"}}, "storage_options"),
])
def test_what_a_pair_cannot_read_is_said_by_name(talk, body, field):
    upstream = Upstream(says("never"))
    reply = ask(loaded(talk(upstream, arguments=TAKES_NO_PICTURES)), **body)
    assert reply.status_code in (400, 422), reply.text
    assert reply.json()["error"]["param"] == field
    assert upstream.requests == []


@pytest.mark.parametrize("body, field", [
    ({"previous_response_id": "resp_1"}, "previous_response_id"),
    ({"background": True}, "background"),
    ({"tools": [{"type": "image_generation", "action": "paint"}]}, "tools"),
    ({"input": 7}, "input"),
    ({"input": [{"type": "item_reference", "id": "msg_1"}]}, "input"),
])
def test_what_cannot_be_is_said_by_name(talk, body, field):
    upstream = Upstream(responds("never"))
    reply = respond(talk(upstream), **body)
    assert reply.status_code in (400, 422), reply.text
    assert reply.json()["error"]["param"] == field
    assert upstream.requests == []


def test_a_pair_is_in_the_lists_of_models(talk):
    server = talk(Upstream(says("hi")))
    assert [each["id"] for each in server.get("/v1/language-models").json()["models"]] == ["far", "pair"]
    pair, far = (server.get(f"/v1/models/{name}").json() for name in ("pair", "far"))
    assert (pair["owned_by"], pair["output_modalities"]) == ("u", ["text", "image"])
    assert (pair["image_model"], pair["image_price"]) == ("grok-imagine-image", 200_000_000)
    assert far["output_modalities"] == ["text"] and "image_price" not in far


@pytest.mark.parametrize("table, says_", [
    ('talks = "far"', "makes: is missing"),
    ('talks = "nobody"\nmakes = "grok-imagine-image"', 'talks: no upstream has a model "nobody"'),
    ('talks = "far"\nmakes = "nothing"', 'makes: no model "nothing" makes pictures'),
    ('talk = "far"', 'did you mean "talks"'),
])
def test_a_wrong_pair_is_said_by_name(tmp_path, table, says_):
    file = tmp_path / "wrong.toml"
    file.write_text('[upstreams.u]\nbase_url = "http://x/v1"\nmodels = ["far"]\n[chats.pair]\n' + table)
    done = run("serve", "--config", file, "--data-dir", tmp_path / "data", "--http-listen", "127.0.0.1:0")
    assert done.returncode != 0
    assert says_ in done.stderr and "pair" in done.stderr
