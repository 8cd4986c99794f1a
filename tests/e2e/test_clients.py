"""The OpenAI client as it is shipped, with base URL and key changed."""

import base64
import concurrent.futures

import pytest

from program import PAPERLAND, PROMPT, jpeg_size
from servers import openai_of

openai = pytest.importorskip("openai", reason="the openai package is not installed")


def test_openai_gets_a_link(client):
    reply = client.images.generate(model="grok-imagine-image", prompt=PROMPT)
    assert reply.data[0].url.startswith("http://")
    assert reply.created > 0
    assert reply._request_id


def test_openai_gets_base64_in_its_own_size(client):
    reply = client.images.generate(model="grok-imagine-image", prompt=PROMPT, size="1536x1024",
                                   n=2, response_format="b64_json", quality="hd", style="vivid")
    assert [jpeg_size(base64.b64decode(entry.b64_json)) for entry in reply.data] == [(1248, 832)] * 2


def test_openai_passes_our_fields(client):
    reply = client.images.generate(
        model="grok-imagine-image", prompt=PROMPT, response_format="b64_json",
        extra_body={"aspect_ratio": "9:16", "resolution": "1k", "seed": 3})
    assert jpeg_size(base64.b64decode(reply.data[0].b64_json)) == (720, 1280)


def test_openai_lists_models(client):
    assert "grok-imagine-image" in [model.id for model in client.models.list()]
    assert client.models.retrieve("grok-imagine-image").owned_by


@pytest.mark.parametrize("error, field, arguments", [
    (openai.BadRequestError, "n", {"n": 0}),
    (openai.UnprocessableEntityError, "aspect_ratio", {"extra_body": {"aspect_ratio": "7:5"}}),
    (openai.NotFoundError, "model", {"model": "no-such-model"}),
])
def test_openai_raises_its_own_class(client, error, field, arguments):
    with pytest.raises(error) as caught:
        client.images.generate(**({"model": "grok-imagine-image", "prompt": PROMPT} | arguments))
    assert caught.value.param == field
    assert field in caught.value.message
    assert caught.value.request_id


def test_openai_recognises_a_wrong_key(server):
    with openai_of(server, "imk_wrong") as client:
        with pytest.raises(openai.AuthenticationError):
            client.models.list()


def test_openai_that_meets_a_full_queue_comes_back_when_there_is_room(start_server):
    server = start_server("--set", f"models.slow.path={PAPERLAND}", "--set", "models.slow.steps=20",
                          "--queue-limit", 1)
    with openai.OpenAI(base_url=f"{server.url}/v1", api_key=server.key) as client, \
            concurrent.futures.ThreadPoolExecutor(2) as pool:
        def ask():
            return client.images.with_raw_response.generate(model="slow", prompt=PROMPT, n=3)
        ask()  # from now on the queue's pace is known
        running = pool.submit(server.generate, model="slow", n=3)
        server.wait_for_state("running")
        waiting = pool.submit(server.generate, model="slow", n=3)
        server.wait_for_state("queued")
        made = ask()
        assert made.retries_taken >= 1
        assert len(made.parse().data) == 3
        assert [each.result().status_code for each in (running, waiting)] == [200, 200]
