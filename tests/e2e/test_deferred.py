"""Pictures that are asked for now and fetched later, as xAI's clients do (`images.wait`)."""

import time

import pytest
import requests


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    from program import Server
    with Server(tmp_path_factory.mktemp("deferred")) as running:
        yield running


def ask(server, headers=None, **fields):
    return requests.post(f"{server.url}/v1/images/generations", timeout=60,
                         headers=server.headers() | (headers or {}),
                         json={"prompt": "a red house", **fields})


def wait(server, request_id):
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        reply = requests.get(f"{server.url}/v1/images/{request_id}", timeout=60,
                             headers=server.headers())
        if reply.status_code != 202:
            return reply
        pending = reply.json()
        pending.pop("warnings", None)
        assert pending == {"request_id": request_id, "status": "pending"}
        time.sleep(0.05)
    raise AssertionError("the pictures never came")


@pytest.mark.parametrize("headers", [{}, {"prefer": "respond-async"}], ids=["field", "preference"])
def test_what_is_not_done_of_a_deferred_request_is_said_when_it_is_named(server, headers):
    named = ask(server, headers, quality="high", **({} if headers else {"deferred": True}))
    assert "request_id" in named.json()
    assert named.headers["x-imagined-warning"].startswith("quality: ")


def test_what_is_not_done_of_a_deferred_request_is_said_at_every_look(server):
    named = ask(server, deferred=True, quality="high", steps=50, n=2)
    url = f"{server.url}/v1/images/{named.json()['request_id']}"
    at_once = requests.get(url, timeout=60, headers=server.headers())
    done = wait(server, named.json()["request_id"])
    assert done.json()["status"] == "done"
    for look in (at_once, done):
        assert look.headers["x-imagined-warning"] == named.headers["x-imagined-warning"]
        assert look.json()["warnings"] == [named.headers["x-imagined-warning"]]


def test_a_deferred_request_is_named_at_once_and_answered_later(server):
    named = ask(server, deferred=True, n=2)
    assert named.status_code == 200
    assert set(named.json()) == {"request_id"}
    done = wait(server, named.json()["request_id"])
    assert done.status_code == 200
    body = done.json()
    assert body["status"] == "done"
    assert body["request_id"] == named.json()["request_id"]
    assert len(body["data"]) == 2
    assert body["usage"]["cost_in_usd_ticks"] == 400_000_000
    for picture in body["data"]:
        assert requests.get(picture["url"], timeout=60).headers["content-type"] == "image/jpeg"


def test_a_preference_is_answered_as_http_has_it(server):
    named = ask(server, {"Prefer": "respond-async"})
    assert named.status_code == 202
    assert named.headers["preference-applied"] == "respond-async"
    assert named.headers["location"].endswith("/v1/images/" + named.json()["request_id"])
    assert wait(server, named.json()["request_id"]).json()["status"] == "done"


def test_what_is_wrong_is_said_at_once(server):
    refused = ask(server, deferred=True, n=11)
    assert refused.status_code == 400
    assert refused.json()["error"]["param"] == "n"
