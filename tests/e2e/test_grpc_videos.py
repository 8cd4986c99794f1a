"""Videos as xAI's own SDK asks for them, over gRPC."""

import datetime

import pytest
import requests

from clips import clip_model
from program import Server
from test_edits import RED, data_url

xai_sdk = pytest.importorskip("xai_sdk", reason="the xai-sdk package is not installed")
import grpc  # noqa: E402  (comes with it)
from xai_sdk.proto import deferred_pb2, video_pb2, video_pb2_grpc  # noqa: E402

MODEL = "grok-imagine-video"
OFTEN = {"interval": datetime.timedelta(milliseconds=50), "timeout": datetime.timedelta(minutes=2)}


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    model = clip_model(tmp_path_factory.mktemp("models"))
    with Server(tmp_path_factory.mktemp("videos"), "--set", f"models.{MODEL}.path={model}",
                "--set", f"models.{MODEL}.steps=1") as running:
        yield running


@pytest.fixture(scope="module")
def client(server):
    return xai_sdk.Client(api_key=server.key, api_host="localhost:" + server.grpc.split(":")[1])


def refused(call):
    with pytest.raises(grpc.RpcError) as caught:
        call()
    return caught.value


@pytest.fixture(scope="module")
def made(client):
    return client.video.generate("it grows", MODEL, image_url=data_url(RED), duration=1, **OFTEN)


def test_a_video_comes_as_a_link_that_needs_no_key(made):
    assert made.url.startswith("http://localhost:") and made.respect_moderation
    assert made.duration == 1 and made.model == MODEL
    assert made.usage.cost_in_usd_ticks == 520_000_000  # with the first frame
    file = requests.get(made.url, timeout=60)
    assert file.headers["content-type"] == "video/mp4" and file.content[4:8] == b"ftyp"


def test_a_video_of_words_has_the_shape_that_was_asked_for(client):
    tall = client.video.generate("night falls", MODEL, duration=1, aspect_ratio="9:16",
                                 resolution="720p", **OFTEN)
    assert tall.usage.cost_in_usd_ticks == 700_000_000


def test_a_video_may_become_a_file_too(client):
    kept = client.video.generate("it snows", MODEL, duration=1, **OFTEN,
                                 storage_options={"filename": "snow.mp4", "expires_after": 3600})
    assert kept.file_output.filename == "snow.mp4" and kept.file_output.file_id


def test_a_video_goes_on(client, made):
    longer = client.video.extend("it starts to snow", MODEL, made.url, duration=2, **OFTEN)
    assert longer.duration == 3 and longer.usage.cost_in_usd_ticks == 1_400_000_000


def test_a_video_is_drawn_anew(client, made):
    edited = client.video.generate("in blue", MODEL, video_url=made.url, **OFTEN)
    assert edited.duration == 1 and edited.url != made.url


def test_what_is_wrong_is_an_error_with_its_name(client):
    error = refused(lambda: client.video.generate("a", MODEL, duration=16))
    assert error.code() == grpc.StatusCode.INVALID_ARGUMENT and "duration" in error.details()
    error = refused(lambda: client.video.generate("a", MODEL, resolution="1080p"))
    assert "720p" in error.details()
    error = refused(lambda: client.video.generate("a", MODEL, reference_image_urls=["https://a.example/b"]))
    assert "reference_images" in error.details()
    assert refused(lambda: client.video.generate("a", "nobody")).code() == grpc.StatusCode.NOT_FOUND
    error = refused(lambda: client.video.generate("a", "grok-imagine-image"))
    assert error.details() == ('model: "grok-imagine-image" makes no videos; '
                               '"grok-imagine-video" does')


def test_a_model_that_makes_videos_makes_no_pictures(client):
    error = refused(lambda: client.image.sample("a", MODEL))
    assert error.details() == f'model: "{MODEL}" makes no pictures; "grok-imagine-image" does'
    error = refused(lambda: client.models.get_image_generation_model(MODEL))
    assert error.code() == grpc.StatusCode.NOT_FOUND
    assert error.details() == f'the model "{MODEL}" makes no pictures'


def test_a_video_that_fails_says_why(client):
    with pytest.raises(Exception, match="image is") as caught:
        client.video.generate("a", MODEL, image_url="data:image/png;base64,aGVsbG8=", **OFTEN)
    assert type(caught.value).__name__ == "VideoGenerationError"


def test_nobodys_video_is_not_there(server):
    with grpc.insecure_channel(server.grpc) as channel:
        stub = video_pb2_grpc.VideoStub(channel)
        metadata = [("authorization", f"Bearer {server.key}")]
        error = refused(lambda: stub.GetDeferredVideo(
            video_pb2.GetDeferredVideoRequest(request_id="nobodys"), metadata=metadata))
        assert error.code() == grpc.StatusCode.NOT_FOUND
        started = stub.GenerateVideo(
            video_pb2.GenerateVideoRequest(prompt="a", model=MODEL, duration=1), metadata=metadata)
        seen = stub.GetDeferredVideo(
            video_pb2.GetDeferredVideoRequest(request_id=started.request_id), metadata=metadata)
        assert seen.status in (deferred_pb2.PENDING, deferred_pb2.DONE)
        assert seen.response.model == MODEL


def test_asyncio_does_the_same(server):
    import asyncio

    async def make():
        async with xai_sdk.AsyncClient(api_key=server.key,
                                       api_host="localhost:" + server.grpc.split(":")[1]) as client:
            return await client.video.generate("it grows", MODEL, duration=1, **OFTEN)
    assert asyncio.run(make()).duration == 1
