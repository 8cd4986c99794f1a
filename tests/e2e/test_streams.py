"""Streams of pictures with the OpenAI client as it is shipped."""

import base64
import io

import pytest
import requests

from program import jpeg_size
from test_edits import RED, TINY_KLEIN

openai = pytest.importorskip("openai", reason="the openai package is not installed")


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    from program import Server
    with Server(tmp_path_factory.mktemp("streams"),
                "--set", f"models.tiny-klein.path={TINY_KLEIN}",
                "--set", "models.tiny-klein.steps=4",
                "--set", 'models.tiny-klein.price_usd="0.02"') as running:
        yield running


def test_openai_sees_previews_and_then_the_picture(client):
    events = list(client.images.generate(model="tiny-klein", prompt="a red house", stream=True,
                                         partial_images=2, extra_body={"seed": 7}))
    assert [event.type for event in events] == [
        "image_generation.partial_image", "image_generation.partial_image",
        "image_generation.completed"]
    assert [event.partial_image_index for event in events[:2]] == [0, 1]
    pictures = [base64.b64decode(event.b64_json) for event in events]
    assert [jpeg_size(picture) for picture in pictures] == [(1024, 1024)] * 3
    assert len(set(pictures)) == 3
    assert events[-1].size == "1024x1024"
    assert events[-1].output_format == "jpeg"
    assert events[-1].usage.cost_in_usd_ticks == 200_000_000


def test_the_picture_is_the_one_that_comes_without_a_stream(client):
    asked = {"model": "tiny-klein", "prompt": "a red house", "extra_body": {"seed": 7}}
    last = list(client.images.generate(**asked, stream=True, partial_images=3))[-1]
    plain = client.images.generate(**asked, response_format="b64_json")
    assert last.b64_json == plain.data[0].b64_json


def test_openai_sees_the_previews_of_an_edit(client):
    events = list(client.images.edit(model="tiny-klein", prompt="a hat", stream=True,
                                     partial_images=1, image=("p.png", io.BytesIO(RED))))
    assert [event.type for event in events] == ["image_edit.partial_image", "image_edit.completed"]


def test_each_picture_of_several_is_an_event(client):
    events = list(client.images.generate(model="tiny-klein", prompt="a red house", n=3, stream=True))
    assert [event.type for event in events] == ["image_generation.completed"] * 3
    assert [event.image_index for event in events] == [0, 1, 2]
    assert [event.usage.cost_in_usd_ticks for event in events] == [0, 0, 600_000_000]


def test_a_refusal_is_a_plain_error_that_openai_raises(client):
    with pytest.raises(openai.BadRequestError, match="partial_images is 4, expected 0 to 3"):
        client.images.generate(model="tiny-klein", prompt="x", stream=True, partial_images=4)


def test_an_error_on_the_way_is_raised_by_openai(client):
    broken = ("p.png", io.BytesIO(RED[:60]))
    with pytest.raises(openai.APIError, match="image 1"):
        list(client.images.edit(model="tiny-klein", prompt="a hat", stream=True, image=broken))


def test_events_are_not_kept_by_proxies(server):
    reply = requests.post(f"{server.url}/v1/images/generations", stream=True, timeout=120,
                          headers=server.headers(),
                          json={"model": "tiny-klein", "prompt": "x", "stream": True})
    assert reply.headers["content-type"] == "text/event-stream"
    assert reply.headers["cache-control"] == "no-cache"
    assert b"data: " in reply.content
