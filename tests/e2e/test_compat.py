"""What docs/compat.md says of whoever comes from xAI: what differs, and which setting makes it the same."""

import pytest
import requests

from program import PROMPT

MODERATION = '[categories.weapons]\nterms = ["catapult*"]\n'


@pytest.fixture(scope="module")
def servers(tmp_path_factory):
    """As it comes, and as strict as its settings make it."""
    from program import Server
    folder = tmp_path_factory.mktemp("compat")
    (folder / "moderation.toml").write_text(MODERATION)
    policy = ("--moderation-file", folder / "moderation.toml")
    with Server(folder / "usual", *policy) as usual, \
            Server(folder / "strict", *policy, "--strict-xai", "--out-of-quota-status", "403",
                   "--public-url", "https://pictures.example") as strict:
        yield {"usual": usual, "strict": strict}


def ask(server, key=None, **body):
    return requests.post(f"{server.url}/v1/images/generations", json={"prompt": PROMPT} | body,
                         headers=server.headers(key), timeout=60)


def out_of_quota(server):
    key = server.make_key("--pictures-per-day", 1)["key"]
    assert ask(server, key).status_code == 200
    return ask(server, key)


@pytest.mark.parametrize("what, usual, strict", [
    (lambda server: ask(server, "imk_wrong"), 401, 400),
    (lambda server: ask(server, server.make_key("--scopes", "models:read")["key"]), 401, 403),
    (lambda server: ask(server, size="1024x1024"), 200, 400),
    (lambda server: ask(server, quality="hd"), 200, 422),
    (lambda server: ask(server, resolution="2K"), 200, 422),
    (lambda server: ask(server, resolution="2k"), 200, 200),
    (lambda server: ask(server, seed=7, steps=2, guidance=2, negative_prompt="a dog"), 200, 200),
    (out_of_quota, 429, 403),
    (lambda server: ask(server, n=11), 400, 400),
    (lambda server: ask(server, model="no-such-model"), 404, 404),
    (lambda server: ask(server, prompt="a catapult"), 400, 400),
    (lambda server: ask(server, storage_options={"filename": "a", "public_url": {}}), 200, 200),
], ids=["wrong key", "no right", "size", "hd", "2K", "2k", "our fields", "quota", "n", "model",
        "moderated", "public_url"])
def test_a_difference_from_xai_ends_with_its_setting(servers, what, usual, strict):
    replies = {name: what(server) for name, server in servers.items()}
    assert {name: reply.status_code for name, reply in replies.items()} == {"usual": usual, "strict": strict}
    for name, kind in {"usual": dict, "strict": str}.items():
        if replies[name].status_code >= 400:
            assert isinstance(replies[name].json()["error"], kind)


def test_what_moderation_refuses_has_xais_code_and_costs_nothing(servers):
    for server in servers.values():
        body = ask(server, prompt="a catapult").json()
        assert body["code"] == "imagine:content-moderated"
        assert body["usage"]["cost_in_usd_ticks"] == 0


def test_links_have_the_address_that_was_called_or_the_public_one(servers):
    assert ask(servers["usual"]).json()["data"][0]["url"].startswith(servers["usual"].url)
    assert ask(servers["strict"]).json()["data"][0]["url"].startswith("https://pictures.example/")


def test_a_picture_costs_xais_price_by_default(servers):
    reply = ask(servers["usual"], model="grok-imagine-image").json()
    assert reply["usage"]["cost_in_usd_ticks"] == 200_000_000  # 0.02 dollars


def test_a_key_has_the_limits_that_the_page_says(servers):
    usual = servers["usual"]
    headers = ask(usual, usual.make_key()["key"]).headers
    assert headers["x-ratelimit-limit-requests"] == "300"
    assert 'q=5;w=1' in headers["ratelimit-policy"]


@pytest.mark.parametrize("method, path, status", [
    ("GET", "/v1/responses/resp_1", 501),
    ("GET", "/v1/chat/deferred-completion/1", 501),
    ("POST", "/v1/embeddings", 501),
    ("GET", "/v1/batches", 501),
    ("POST", "/v1/tokenize-text", 501),
    ("POST", "/v1/images/variations", 404),
    ("POST", "/v1/videos", 404),
])
def test_what_is_not_served_says_so(servers, method, path, status):
    usual = servers["usual"]
    reply = requests.request(method, usual.url + path, headers=usual.headers(), timeout=10)
    assert reply.status_code == status
    assert len(reply.json()["error"]["message"]) > 20
