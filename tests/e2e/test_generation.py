"""What a customer asks for and gets."""

import base64
import time

import pytest
import requests

from program import PROMPT, jpeg_size, png_size


def test_the_sample_of_the_brief_gets_a_picture(server):
    response = requests.post(
        f"{server.url}/v1/images/generations",
        headers={"Authorization": f"Bearer {server.key}", "Content-Type": "application/json"},
        json={"model": "grok-imagine-image", "prompt": PROMPT, "n": 1, "aspect_ratio": "16:9",
              "resolution": "2K", "response_format": "url"})
    assert response.status_code == 200, response.text
    body = response.json()
    picture = requests.get(body["data"][0]["url"], timeout=10)
    assert picture.status_code == 200
    assert picture.headers["content-type"] == body["data"][0]["mime_type"] == "image/jpeg"
    assert jpeg_size(picture.content) == (2816, 1584)


def test_the_reply_has_the_documented_shape(server):
    before = int(time.time())
    body = server.generate(n=2).json()
    assert set(body) == {"created", "data", "usage"}
    assert before - 1 <= body["created"] <= time.time() + 1
    assert [set(entry) for entry in body["data"]] == [
        {"url", "mime_type", "respect_moderation"}] * 2
    assert body["usage"]["cost_in_usd_ticks"] == 2 * 200_000_000


def test_the_reply_says_how_many_tokens_were_read(server):
    short, longer = (server.generate(prompt=prompt).json()["usage"]
                     for prompt in ("a red house", "a red house beside two trees at night"))
    assert 0 < short["input_tokens"] < longer["input_tokens"]
    assert short["total_tokens"] == short["input_tokens"]
    assert short["input_tokens_details"]["text_tokens"] == short["input_tokens"]


def test_a_prompt_that_is_cut_is_said(server):
    body = server.generate(prompt="a red house beside two trees " * 200).json()
    (warning,) = body["warnings"]
    assert str(body["usage"]["input_tokens"]) in warning
    assert "request_warning" in server.log_text()


def test_base64_is_bare(server):
    entry = server.generate(response_format="b64_json").json()["data"][0]
    assert set(entry) == {"b64_json", "mime_type", "respect_moderation"}
    assert jpeg_size(base64.b64decode(entry["b64_json"], validate=True)) == (1024, 1024)


def test_a_png_comes_as_png(server):
    entry = server.generate(response_format="b64_json", output_format="png").json()["data"][0]
    assert entry["mime_type"] == "image/png"
    assert png_size(base64.b64decode(entry["b64_json"])) == (1024, 1024)


@pytest.mark.parametrize("output_format", ["jpeg", "webp"])
def test_more_compression_makes_smaller_files_of_the_same_picture(server, output_format):
    def size(**how):
        reply = server.generate(seed=7, response_format="b64_json", output_format=output_format,
                                **how).json()
        assert "warnings" not in reply
        return len(reply["data"][0]["b64_json"])

    assert size(output_compression=20) < size() < size(output_compression=100)


def test_the_same_seed_gives_the_same_bytes(server):
    def picture(seed):
        return server.generate(seed=seed, response_format="b64_json").json()["data"][0]["b64_json"]

    first = picture(7)
    assert picture(7) == first
    assert picture(8) != first


def test_pictures_of_one_request_differ(server):
    first, second = server.generate(n=2, response_format="b64_json").json()["data"]
    assert first["b64_json"] != second["b64_json"]


@pytest.mark.parametrize("ratio, size", [("3:4", (864, 1152)), ("9:19.5", (576, 1248)),
                                         ("2:1", (1408, 704)), ("auto", (1024, 1024))])
def test_a_ratio_gives_the_size_of_the_table(server, ratio, size):
    entry = server.generate(aspect_ratio=ratio, response_format="b64_json").json()["data"][0]
    assert jpeg_size(base64.b64decode(entry["b64_json"])) == size


def test_the_quality_model_costs_more(server):
    body = server.generate(model="grok-imagine-image-quality").json()
    assert body["usage"]["cost_in_usd_ticks"] == 500_000_000


def test_every_reply_carries_its_id_and_duration(server):
    for response in (server.generate(), server.get("/v1/nothing"), server.get("/healthz")):
        assert len(response.headers["x-request-id"]) == 36
        assert float(response.headers["x-metrics-e2e-ms"]) >= 0
        assert response.headers["access-control-allow-origin"] == "*"


def test_models_are_listed_and_found_by_alias(server):
    listed = server.get("/v1/models").json()
    assert listed["object"] == "list"
    assert [model["id"] for model in listed["data"]] == [
        "grok-imagine-image", "grok-imagine-image-quality", "grok-imagine-video", "grok-imagine-video-1.5"]
    assert [model["output_modalities"] for model in listed["data"]] == 2 * [["image"]] + 2 * [["video"]]
    assert "image_price" not in listed["data"][2] and listed["data"][2]["video_second_price"] == 500_000_000
    assert listed["data"][0]["image_price"] == 200_000_000
    assert "small model" in listed["data"][0]["card"]
    alias = listed["data"][1]["aliases"][0]
    assert server.get(f"/v1/models/{alias}").json() == listed["data"][1]
    assert server.get("/v1/models/nope").status_code == 404


def test_a_browser_may_ask_first(server):
    response = requests.options(f"{server.url}/v1/images/generations", timeout=10, headers={
        "Origin": "https://a.example", "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "authorization, x-stainless-os"})
    assert response.status_code == 204
    assert response.headers["access-control-allow-headers"] == "authorization, x-stainless-os"
    assert "POST" in response.headers["access-control-allow-methods"]


def test_a_wrong_method_is_told_the_right_one(server):
    response = server.get("/v1/images/generations")
    assert response.status_code == 405
    assert response.headers["allow"] == "POST"


def test_health_and_readiness_need_no_key(server):
    assert server.get("/healthz", headers={}).json() == {"status": "ok"}
    assert server.get("/readyz", headers={}).json() == {"status": "ready"}
