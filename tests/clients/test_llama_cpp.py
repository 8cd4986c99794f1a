"""Conversations that llama.cpp's own server answers, behind this one: whole and as they come, with the calls that
make pictures, and given up."""

import json
import os
import subprocess

import pytest
import requests

from table import NotInstalled, Server, command_of
from toolchains import Python

from program import wait_until  # noqa: E402  (of the end-to-end tests, whose folder table.py has added)

openai = pytest.importorskip("openai", reason="the openai package is not installed")
LLAMA = Python("llama_server.py", "xllamacpp", "llama_packages.txt")
WORDS = "A red house, caf\u00e9."
TOKENS = 8  # of them, the end among them
HI = [{"role": "user", "content": "hi"}]


@pytest.fixture(scope="module")
def llama():
    """Its address."""
    command = command_of(LLAMA)
    if isinstance(command, NotInstalled):
        pytest.skip(str(command))
    process = subprocess.Popen([str(word) for word in command], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE, text=True,
                               env=os.environ | {"NO_PROXY": "127.0.0.1", "no_proxy": "127.0.0.1"})
    url = process.stdout.readline().strip()
    if not url:
        raise AssertionError(process.communicate()[1])
    yield url
    process.communicate()  # its standard input ends, and it does


@pytest.fixture(scope="module")
def server(llama, tmp_path_factory):
    folder = tmp_path_factory.mktemp("llama")
    (folder / "llama.toml").write_text(
        f'[upstreams.llama]\nbase_url = "{llama}/v1"\nmodels = ["small=chains"]\nprice_output_usd = "1"\n'
        f'[upstreams.words]\nbase_url = "{llama}/v1"\nmodels = ["words=chains"]\nresponses = false\n'
        '[chats.pair]\ntalks = "small"\nmakes = "grok-imagine-image"\n')
    with Server(folder / "data", "--config", folder / "llama.toml") as running:
        yield running


@pytest.fixture
def client(server):
    with openai.OpenAI(base_url=f"{server.url}/v1", api_key=server.key, max_retries=0) as made:
        yield made


def charges(server):
    return server.query("SELECT model, cost_usd_ticks FROM charges ORDER BY id")


def recorded(server, count):
    """The newest rows of the books, when there are so many."""
    wait_until(lambda: len(charges(server)) == count, "the charges")
    return charges(server)


def test_it_says_what_it_says_alone(server, llama, client):
    before = len(charges(server))
    alone = requests.post(f"{llama}/v1/chat/completions", json={"messages": HI}, timeout=60).json()
    whole = client.chat.completions.create(model="small", messages=HI)
    assert whole.choices[0].message.content == alone["choices"][0]["message"]["content"] == WORDS
    assert whole.usage.completion_tokens == TOKENS
    streamed = list(client.chat.completions.create(model="small", messages=HI, stream=True))
    pieces = [each.choices[0].delta.content or "" for each in streamed if each.choices]
    assert "".join(pieces) == WORDS and len([piece for piece in pieces if piece]) > 3
    assert recorded(server, before + 2)[before:] == [("small", 10_000 * TOKENS)] * 2


def test_it_knows_responses_too(server, client):
    before = len(charges(server))
    assert client.responses.create(model="small", input="hi").output_text == WORDS
    deltas = [event.delta for event in client.responses.create(model="small", input="hi", stream=True)
              if event.type == "response.output_text.delta"]
    assert "".join(deltas) == WORDS
    assert recorded(server, before + 2)[before:] == [("small", 10_000 * TOKENS)] * 2


def test_asked_in_completions_it_answers_what_it_cannot_in_responses(client):
    """Turns as ai's client writes them, and openai's helper for streams, are too much for its own /v1/responses."""
    turns = [{"role": "user", "content": "hi"},
             {"role": "assistant", "content": [{"type": "output_text", "text": WORDS}]},
             {"role": "user", "content": "and now?"}]
    with client.responses.stream(model="words", input=turns) as stream:
        assert stream.get_final_response().output_text == WORDS


def test_its_calls_make_pictures(server, client):
    answer = client.chat.completions.create(model="pair", messages=[{"role": "user", "content": "draw a house"}])
    message = answer.choices[0].message
    url = message.model_extra["images"][0]["image_url"]["url"]
    assert message.content == f"![a red house]({url})\n\n{WORDS}"
    assert requests.get(url, timeout=10).content.startswith(b"\xff\xd8\xff")
    streamed = "".join(each.choices[0].delta.content or "" for each in client.chat.completions.create(
        model="pair", messages=[{"role": "user", "content": "draw a house"}], stream=True) if each.choices)
    assert streamed.startswith("![a red house](") and streamed.endswith(f")\n\n{WORDS}")


def test_its_calls_make_pictures_in_responses_too(client):
    answer = client.responses.create(model="pair", input="draw a house")
    assert [item.type for item in answer.output] == ["image_generation_call", "message"]
    assert answer.output_text == WORDS and answer.output[0].result
    later = client.responses.create(model="small", input="draw a house", tools=[{"type": "image_generation"}])
    assert [item.type for item in later.output] == ["image_generation_call", "message"]


def test_what_was_said_and_made_before_can_be_sent_again(client):
    first = client.responses.create(model="pair", input="draw a house")
    said = [{"role": "user", "content": "draw a house"}, {"role": "assistant", "content": "Here it is."},
            *(item.to_dict() | ({"result": None} if item.type == "image_generation_call" else {})
              for item in first.output), {"role": "user", "content": [{"type": "input_text", "text": "and now?"}]}]
    second = client.responses.create(model="pair", input=said)
    assert [item.type for item in second.output] == ["image_generation_call", "message"]


def test_calls_of_the_clients_own_functions_are_the_clients(client):
    own = {"type": "function", "function": {"name": "imagine_text_to_image", "parameters": {
        "type": "object", "properties": {"prompt": {"type": "string"}}, "required": ["prompt"]}}}
    answer = client.chat.completions.create(model="small", messages=HI, tools=[own])
    call = answer.choices[0].message.tool_calls[0].function
    assert (call.name, json.loads(call.arguments)) == ("imagine_text_to_image", {"prompt": "a red house"})


def test_who_leaves_ends_its_work(llama, client):
    def is_at_work():
        return requests.get(f"{llama}/slots", timeout=10).json()[0]["is_processing"]

    for model in ("small", "pair"):
        stream = client.chat.completions.create(
            model=model, messages=[{"role": "user", "content": "go on for ever"}], stream=True)
        assert "la" in "".join(next(stream).choices[0].delta.content or "" for _ in range(5))
        assert is_at_work()
        stream.close()
        wait_until(lambda: not is_at_work(), "the end of its work", 10)
