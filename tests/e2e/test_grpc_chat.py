"""Conversations as xAI's own SDK has them, over gRPC: with models that make pictures, and with those of
another server, which is played by scripts (upstream.py)."""

import json
import threading

import pytest
import requests

from program import wait_until
from test_edits import RED, TINY_KLEIN, data_url
from test_relay import KEY
from test_tool_talk import says
from upstream import Upstream, chunk, json_answer, sse, stream_answer

xai_sdk = pytest.importorskip("xai_sdk", reason="the xai-sdk package is not installed")
import grpc  # noqa: E402  (comes with it)
from xai_sdk.chat import image, system, tool, tool_result, user  # noqa: E402
from xai_sdk.proto import chat_pb2, chat_pb2_grpc  # noqa: E402
from xai_sdk.tools import web_search  # noqa: E402


@pytest.fixture
def talk(start_server, tmp_path, monkeypatch):
    """A server before the given upstream, and the SDK's client of it."""
    upstreams = []

    def start(upstream, settings=""):
        upstreams.append(upstream)
        monkeypatch.setenv("FAR_KEY", KEY)
        file = tmp_path / "talk.toml"
        file.write_text(f'[upstreams.u]\nbase_url = "{upstream.url}"\nkey_env = "FAR_KEY"\n'
                        f'models = ["far=there"]\nprice_output_usd = "1"\n{settings}\n'
                        '[chats.pair]\ntalks = "far"\nmakes = "grok-imagine-image"\n')
        server = start_server("--config", file, "--set", f"models.tiny.path={TINY_KLEIN}",
                              "--set", "models.tiny.steps=1")
        return server, xai_sdk.Client(api_key=server.key, api_host="localhost:" + server.grpc.split(":")[1])

    yield start
    for each in upstreams:
        each.close()


def refused(call):
    with pytest.raises(grpc.RpcError) as caught:
        call()
    return caught.value.code(), caught.value.details()


def test_a_model_that_makes_pictures_answers_with_one(talk):
    server, client = talk(Upstream(says("never")))
    chat = client.chat.create(model="grok-imagine-image", messages=[system("be brief"), user("a red house")])
    answer = chat.sample()
    assert answer.content.startswith("![a red house](http://localhost:")
    url = answer.content.split("(")[1].rstrip(")")
    assert requests.get(url, timeout=10).headers["content-type"] == "image/jpeg"
    assert answer.finish_reason == "REASON_STOP" and answer.role == "ROLE_ASSISTANT"
    assert answer.usage.cost_in_usd_ticks == 200_000_000
    two = client.chat.create(model="grok-imagine-image", messages=[user("a red house")]).sample_batch(2)
    assert len({each.content for each in two}) == 2
    assert server.query("SELECT kind, state FROM jobs") == [("pictures", "succeeded")] * 2


def test_pictures_of_the_conversation_are_changed(talk):
    server, client = talk(Upstream(says("never")))
    chat = client.chat.create(model="tiny")
    chat.append(user("in blue", image(image_url=data_url(RED))))
    first = chat.sample()
    chat.append(first)
    chat.append(user("now in green"))
    assert chat.sample().content.startswith("![now in green](")
    assert server.query("SELECT kind FROM jobs") == [("edits",)] * 2
    # By the name of the answer alone, too.
    again = client.chat.create(model="tiny", messages=[user("and in red")], previous_response_id=first.id)
    assert again.sample().content
    assert server.query("SELECT kind FROM jobs") == [("edits",)] * 3


def test_a_picture_comes_as_a_chunk(talk):
    _, client = talk(Upstream(says("never")))
    chunks = [(answer, piece) for answer, piece in
              client.chat.create(model="grok-imagine-image", messages=[user("a house")]).stream()]
    assert chunks[-1][0].content.startswith("![a house](")
    assert chunks[-1][0].usage.cost_in_usd_ticks == 200_000_000


def test_a_model_of_another_server_talks(talk):
    upstream = Upstream(says("a ", "house"))
    server, client = talk(upstream)
    chat = client.chat.create(model="far", messages=[system("be brief"), user("hi")], temperature=0.5,
                              max_tokens=7, stop=["x"], seed=3)
    answer = chat.sample()
    assert answer.content == "a house" and answer.finish_reason == "REASON_STOP"
    assert (answer.usage.prompt_tokens, answer.usage.completion_tokens) == (10, 5)
    assert answer.usage.cost_in_usd_ticks == 50_000
    path, headers, body = upstream.requests[0]
    assert path == "/v1/chat/completions" and headers["authorization"] == f"Bearer {KEY}"
    assert json.loads(body) == {
        "stream": True, "stream_options": {"include_usage": True}, "model": "there",
        "messages": [{"role": "system", "content": "be brief"}, {"role": "user", "content": "hi"}],
        "n": 1, "max_tokens": 7, "seed": 3, "stop": ["x"], "temperature": 0.5}
    wait_until(lambda: server.query("SELECT model, outcome, cost_usd_ticks FROM charges") ==
               [("far", "delivered", 50_000)], "the charge")


def test_who_talks_is_listed_and_named_where_another_was_meant(talk):
    server, client = talk(Upstream(says("never")), settings='price_input_usd = "2"')
    far, pair = client.models.list_language_models()
    assert [far.name, pair.name] == ["far", "pair"]
    assert (far.prompt_text_token_price, far.completion_text_token_price) == (20_000, 10_000)
    assert len(far.output_modalities) == 1 and len(pair.output_modalities) == 2
    assert client.models.get_language_model("pair") == pair
    for ask in (lambda: client.models.get_language_model("nosuch"),
                lambda: client.chat.create(model="nosuch", messages=[user("hi")]).sample()):
        code, said = refused(ask)
        assert code == grpc.StatusCode.NOT_FOUND and "far, pair" in said and "nosuch" in said
    assert "makes pictures" in refused(lambda: client.models.get_language_model("grok-imagine-image"))[1]
    assert "talks" in refused(lambda: client.image.sample("a house", model="pair"))[1]


def test_its_words_come_as_they_are_said(talk):
    more = threading.Event()
    upstream = Upstream(stream_answer(sse(chunk("a ")), more, *says("house")[2:]))
    _, client = talk(upstream)
    pieces = []
    for answer, piece in client.chat.create(model="far", messages=[user("hi")]).stream():
        pieces.append(piece.content)
        more.set()  # only what is not kept back until the end can be heard before it
    assert "".join(pieces) == "a house" == answer.content
    assert answer.usage.completion_tokens == 5


def test_it_calls_tools_and_sees_pictures(talk):
    upstream = Upstream(says(calls=[("weather", {"at": "home"})]), says("Sunny."))
    _, client = talk(upstream)
    weather = tool("weather", "the weather", {"type": "object", "properties": {"at": {"type": "string"}}})
    chat = client.chat.create(model="far", tools=[weather], tool_choice="auto")
    chat.append(user("how is it there?", image(image_url=data_url(RED))))
    answer = chat.sample()
    assert answer.finish_reason == "REASON_TOOL_CALLS"
    call = answer.tool_calls[0]
    assert (call.function.name, json.loads(call.function.arguments)) == ("weather", {"at": "home"})
    chat.append(answer)
    chat.append(tool_result("sunny"))
    assert chat.sample().content == "Sunny."
    first, second = (json.loads(body) for _, _, body in upstream.requests)
    assert first["tools"][0]["function"]["parameters"]["properties"] == {"at": {"type": "string"}}
    assert first["messages"][0]["content"][1]["image_url"]["url"] == data_url(RED)
    assert [each["role"] for each in second["messages"]] == ["user", "assistant", "tool"]
    assert second["messages"][1]["tool_calls"][0]["id"] == "call_0"


@pytest.mark.parametrize("answer, code, says_", [
    (json_answer({"error": {"message": "context too long"}}, 400), grpc.StatusCode.INVALID_ARGUMENT,
     "context too long"),
    (json_answer({"error": {"message": "slow down"}}, 429, **{"retry-after": "7"}),
     grpc.StatusCode.RESOURCE_EXHAUSTED, "slow down"),
    (json_answer({"error": "no"}, 401), grpc.StatusCode.UNAVAILABLE, "refuses this server's key"),
    (stream_answer(sse(chunk("a"))), grpc.StatusCode.UNAVAILABLE, "not understood"),
    (stream_answer(sse(chunk("a")), Upstream.HANG_UP), grpc.StatusCode.UNAVAILABLE, "no whole answer"),
    (stream_answer(sse(chunk("a"), {"error": {"message": "out of memory"}})), grpc.StatusCode.UNAVAILABLE,
     "says: out of memory"),
])
def test_what_goes_wrong_there_is_said(talk, answer, code, says_):
    server, _ = talk(Upstream(answer))
    with grpc.insecure_channel(server.grpc) as channel:  # the SDK would ask again
        stub = chat_pb2_grpc.ChatStub(channel)
        request = chat_pb2.GetCompletionsRequest(model="far", messages=[user("hi")])
        metadata = [("authorization", f"Bearer {server.key}")]
        for ask in (lambda: stub.GetCompletion(request, metadata=metadata),
                    lambda: list(stub.GetCompletionChunk(request, metadata=metadata))):
            assert refused(ask)[0] == code
            assert says_ in refused(ask)[1]
    assert server.query("SELECT count(*) FROM charges") == [(0,)]


def test_an_answer_that_is_not_understood_is_not_asked_for_again_by_the_sdk(talk):
    upstream = Upstream(stream_answer(sse(chunk("a"))))
    _, client = talk(upstream)
    code, said = refused(client.chat.create(model="far", messages=[user("hi")]).sample)
    assert code == grpc.StatusCode.UNAVAILABLE and "not understood" in said
    assert len(upstream.requests) == 1


def test_who_leaves_ends_the_work_of_the_upstream(talk):
    more = threading.Event()
    upstream = Upstream(stream_answer(sse(chunk("a")), more))
    server, _ = talk(upstream)
    with grpc.insecure_channel(server.grpc) as channel:
        call = chat_pb2_grpc.ChatStub(channel).GetCompletionChunk(
            chat_pb2.GetCompletionsRequest(model="far", messages=[user("hi")]),
            metadata=[("authorization", f"Bearer {server.key}")])
        assert next(call).outputs[0].delta.content == "a"
        call.cancel()
    assert upstream.gone.wait(20)
    assert server.query("SELECT count(*) FROM charges") == [(0,)]


def test_what_is_not_offered_is_said_by_name(talk):
    upstream = Upstream(says("never"))
    _, client = talk(upstream)
    unimplemented = grpc.StatusCode.UNIMPLEMENTED

    def ask(**options):
        return refused(client.chat.create(**({"model": "far", "messages": [user("hi")]} | options)).sample)

    assert ask(store_messages=True) == (unimplemented, "store_messages: conversations are not kept here")
    assert ask(tools=[web_search()])[0] == unimplemented
    assert ask(model="pair")[0] == unimplemented
    assert ask(previous_response_id="x")[0] == unimplemented
    assert ask(logprobs=True)[0] == unimplemented
    assert ask(model="nobody")[0] == grpc.StatusCode.NOT_FOUND
    bad = tool("weather", "", {})
    bad.function.parameters = '{}}],"model":"other"'
    assert ask(tools=[bad]) == (grpc.StatusCode.INVALID_ARGUMENT,
                                "tools[0].function.parameters: expected a JSON object")
    bad.function.parameters = '{"a":' + "[" * 300 + "]" * 300 + "}"
    assert ask(tools=[bad]) == (grpc.StatusCode.INVALID_ARGUMENT,
                                "tools[0].function.parameters: the schema is nested too deeply (at most 256 levels "
                                "are allowed)")
    code, why = refused(lambda: client.chat.get_stored_completion("x"))
    assert code == unimplemented and "use GetCompletion" in why
    assert upstream.requests == []
