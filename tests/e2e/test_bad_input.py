"""Each mistake gets its status, names its field, and leaves the server as it was."""

import pytest
import requests


def post(server, data, content_type="application/json"):
    headers = server.headers() | ({"Content-Type": content_type} if content_type else {})
    return requests.post(f"{server.url}/v1/images/generations", data=data, headers=headers,
                         timeout=10)


@pytest.mark.parametrize("body, status, field", [
    ({"prompt": ""}, 400, "prompt"),
    ({"prompt": " \u200b "}, 400, "prompt"),
    ({"prompt": "a" * 100_000}, 400, "prompt"),
    ({"prompt": "bell \u0007"}, 400, "prompt"),
    ({"prompt": "zero \u0000"}, 400, "prompt"),
    ({"prompt": 7}, 422, "prompt"),
    ({"n": 0}, 400, "n"),
    ({"n": 11}, 400, "n"),
    ({"n": 1.5}, 422, "n"),
    ({"n": "2"}, 422, "n"),
    ({"n": True}, 422, "n"),
    ({"aspect_ratio": "7:5"}, 422, "aspect_ratio"),
    ({"resolution": "4k"}, 422, "resolution"),
    ({"response_format": "jpg"}, 422, "response_format"),
    ({"model": "no-such-model"}, 404, "model"),
    ({"model": "flux-1.1-pro"}, 404, "model"),
])
def test_a_wrong_value_is_named(server, body, status, field):
    response = server.generate(**body)
    assert response.status_code == status, response.text
    error = response.json()["error"]
    assert error["param"] == field
    assert error["message"]
    assert response.json()["request_id"] == response.headers["x-request-id"]


def test_a_retired_model_names_its_replacement(server):
    assert "grok-imagine-image" in server.generate(model="flux-1.1-pro").json()["error"]["message"]


@pytest.mark.parametrize("data", [
    b"", b"null", b"[]", b"prompt=cat", b'{"prompt":"a c', b'{"prompt":"a"}{}',
    b'{"prompt":"\\ud800"}', b'{"prompt":"\\udc00\\ud800"}', b'{"prompt":"\xc0\xaf"}',
    b'{"prompt":"a","prompt":"b"}', b'{"prompt":"a","x":' + b"[" * 60_000 + b"]" * 60_000 + b"}",
], ids=["empty", "null", "array", "form", "cut", "two", "high surrogate", "low surrogate",
        "bad utf-8", "duplicate", "deep"])
def test_what_is_no_json_object_is_refused(server, data):
    response = post(server, data)
    assert response.status_code == 400, response.text
    assert response.json()["code"] == "invalid-argument"


@pytest.mark.parametrize("route", ["images/generations", "images/edits", "videos/generations", "chat/completions",
                                   "responses"])
def test_what_is_nested_too_deeply_is_said_to_be(server, route):
    response = requests.post(f"{server.url}/v1/{route}", timeout=10,
                             headers=server.headers() | {"Content-Type": "application/json"},
                             data=b'{"prompt":"a","metadata":' + b"[" * 40 + b"]" * 40 + b"}")
    assert response.status_code == 400, response.text
    error = response.json()["error"]
    assert error["message"] == "metadata: the text is nested too deeply (at most 32 levels are allowed)"
    assert error["param"] == "metadata"


@pytest.mark.parametrize("content_type", [
    None, "text/plain", "application/x-www-form-urlencoded", "application/json; charset=utf-16",
    "multipart/form-data; boundary=x"])
def test_another_content_type_is_refused(server, content_type):
    response = post(server, b'{"prompt":"a"}', content_type)
    assert response.status_code == 415, response.text


def test_a_content_coding_is_refused(server):
    response = requests.post(f"{server.url}/v1/images/generations", data=b"x", timeout=10,
                             headers=server.headers() | {"Content-Type": "application/json",
                                                         "Content-Encoding": "gzip"})
    assert response.status_code == 415


def test_a_large_body_is_refused(server):
    response = post(server, b'{"prompt":"' + b"a" * (256 * 1024) + b'"}')
    assert response.status_code == 413
    assert response.json()["error"]["message"]


def test_a_large_chunked_body_is_refused(server):
    response = post(server, (b" " * 10_000 for _ in range(30)))
    assert response.status_code == 413


def test_no_mistake_leaves_a_job(server):
    jobs = len(server.job_states())
    server.generate(n=0)
    assert len(server.job_states()) == jobs
