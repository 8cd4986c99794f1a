"""Models of other servers: what reaches them, what comes back, and what becomes of it when they fail. The
other servers are played by scripts (upstream.py)."""

import base64
import gzip
import json
import threading

import pytest
import requests

from authority import Authority
from program import run, wait_until
from servers import openai_of
from test_edits import RED, data_url
from upstream import Upstream, chunk, completion, json_answer, sse, stream_answer

openai = pytest.importorskip("openai", reason="the openai package is not installed")
KEY = "sk-of-the-upstream"
ASK = {"model": "far", "messages": [{"role": "user", "content": "hi"}]}


@pytest.fixture
def relay(start_server, tmp_path, monkeypatch):
    """A server before the given upstreams, which all have the model `far`; the first calls it `there`."""
    upstreams = []

    def start(*given, settings="", arguments=(), **options):
        upstreams.extend(given)
        monkeypatch.setenv("FAR_KEY", KEY)
        tables = "".join(
            f'[upstreams.u{i}]\nbase_url = "{each.url}"\nkey_env = "FAR_KEY"\n'
            f'models = ["far={"there" if i == 0 else "far"}", "other"]\n{settings}\n'
            for i, each in enumerate(given))
        (tmp_path / "upstreams.toml").write_text(tables)
        return start_server("--config", tmp_path / "upstreams.toml", *arguments, **options)

    yield start
    for each in upstreams:
        each.close()


def post(server, body, path="/v1/chat/completions", **options):
    return requests.post(server.url + path, headers=server.headers(), timeout=30, **options,
                         **({"data": body} if isinstance(body, bytes) else {"json": body}))


def post_json(server, body, **options):
    options.setdefault("headers", server.headers() | {"content-type": "application/json"})
    return requests.post(server.url + "/v1/chat/completions", data=body, timeout=30, **options)


def charges(server):
    return server.query("SELECT model, outcome, pictures, cost_usd_ticks FROM charges")


def test_a_body_goes_on_as_it_came_but_for_the_models_name(relay):
    upstream = Upstream(json_answer(completion("\u00e9")))
    server = relay(upstream)
    body = '{ "x" : [1e999, {"deep":"\\u00e9 \\"model\\""}],\n "model":"far" ,"messages":[]}'.encode()
    reply = post_json(server, body)
    assert reply.status_code == 200, reply.text
    assert reply.json() == completion("\u00e9")
    path, headers, arrived = upstream.requests[0]
    assert arrived == body.replace(b'"far"', b'"there"')
    assert path == "/v1/chat/completions"
    assert headers["authorization"] == f"Bearer {KEY}"
    assert server.key not in json.dumps(headers)
    assert reply.headers["x-imagined-upstream"] == "u0"
    assert reply.headers["x-ratelimit-limit"]


def test_events_go_by_unchanged_wherever_they_are_cut(relay):
    text = sse(chunk("caf\u00e9 \U0001F600"), chunk("!"), "[DONE]").replace(b"\\u00e9", "\u00e9".encode())
    for end in (text, text[:-2], text.replace(b"\n", b"\r\n")):
        upstream = Upstream(stream_answer(*(end[i:i + 1] for i in range(len(end)))))
        reply = post(relay(upstream), ASK | {"stream": True})
        assert reply.content == end
        assert reply.headers["content-type"] == "text/event-stream"


def test_openai_reads_a_relayed_stream(relay):
    upstream = Upstream(stream_answer(sse(chunk("a "), chunk("house"), "[DONE]")))
    server = relay(upstream)
    with openai_of(server) as client:
        chunks = list(client.chat.completions.create(**ASK, stream=True))
        listed = [model.id for model in client.models.list()]
        assert client.models.retrieve("far").owned_by == "u0"
    assert "".join(each.choices[0].delta.content for each in chunks) == "a house"
    assert {"far", "other", "grok-imagine-image"} <= set(listed)
    models = server.get("/v1/language-models").json()["models"]
    assert [model["id"] for model in models] == ["far", "other"]
    assert server.get("/v1/language-models/far").json() == models[0]
    assert server.get("/v1/language-models/grok-imagine-image").status_code == 404


def test_responses_are_relayed_too(relay):
    done = {"type": "response.completed", "response": {"usage": {"input_tokens": 7, "output_tokens": 3}}}
    upstream = Upstream(stream_answer(b"event: response.completed\n" + sse(done)))
    server = relay(upstream, settings='price_output_usd = "1"')
    reply = post(server, {"model": "far", "input": "hi", "stream": True}, "/v1/responses")
    assert reply.content == b"event: response.completed\n" + sse(done)
    assert upstream.requests[0][0] == "/v1/responses"
    wait_until(lambda: charges(server) == [("far", "delivered", 1, 3 * 10_000)], "the charge")


def test_who_has_responses_stands_in_for_who_has_not(relay):
    lacks, has = Upstream(json_answer({"detail": "Not Found"}, 404)), Upstream(json_answer({"id": "resp_1"}))
    reply = post(relay(lacks, has), {"model": "far", "input": "hi"}, "/v1/responses")
    assert reply.json() == {"id": "resp_1"} and reply.headers["x-imagined-upstream"] == "u1"
    assert [path for path, _, _ in lacks.requests] == ["/v1/responses"]


def test_what_was_used_is_in_the_books(relay):
    told = completion(usage={"prompt_tokens": 1, "completion_tokens": 1, "cost_in_usd_ticks": 777})
    streamed = [chunk("x", usage=None),
                chunk("", choices=[], usage={"prompt_tokens": 1_000_000, "completion_tokens": 2})]
    upstream = Upstream(json_answer(completion()), json_answer(told), stream_answer(sse(*streamed, "[DONE]")))
    server = relay(upstream, settings='price_input_usd = "0.5"\nprice_output_usd = "2"')
    for body in (ASK, ASK, ASK | {"stream": True}):
        assert post(server, body).status_code == 200
    # 10 tokens at 0.5 and 5 at 2 dollars a million; what the upstream says itself; then a stream.
    costs = [10 * 5_000 + 5 * 20_000, 777, 5_000_000_000 + 2 * 20_000]
    wait_until(lambda: len(charges(server)) == 3, "the charges")
    assert sorted(charges(server)) == sorted(("far", "delivered", 1, cost) for cost in costs)
    assert run("usage", "--check", "--data-dir", server.data_dir).returncode == 0
    # A stream that did not ask for its usage was made to.
    assert json.loads(upstream.requests[2][2])["stream_options"] == {"include_usage": True}
    assert "input_tokens=1000000" in server.log_text()


@pytest.mark.parametrize("options", [{}, {"stream_options": None}, {"stream_options": {"include_usage": False}}])
def test_usage_that_only_we_asked_for_is_in_the_books_alone(relay, options):
    words = sse(chunk("a", usage=None), chunk("b", usage=None))
    usage, end = sse(chunk("", choices=[], usage={"completion_tokens": 7})), sse("[DONE]")
    whole = words + usage + end
    upstream = Upstream(stream_answer(*(whole[i:i + 5] for i in range(0, len(whole), 5))))
    server = relay(upstream, settings='price_output_usd = "2"')
    assert post(server, ASK | {"stream": True} | options).content == words + end
    wait_until(lambda: [cost for *_, cost in charges(server)] == [7 * 20_000], "the charge")
    asked = ASK | {"stream": True, "stream_options": {"include_usage": True}}
    assert post(server, asked).content == whole


def test_a_spent_budget_asks_nobody(relay):
    upstream = Upstream(json_answer(completion(usage={"cost_in_usd_ticks": 200_000_000})))
    server = relay(upstream)
    key = server.make_key("--usd-per-day", "0.02")["key"]
    headers = server.headers(key) | {"content-type": "application/json"}
    assert post_json(server, json.dumps(ASK), headers=headers).status_code == 200
    wait_until(lambda: charges(server), "the charge")
    refused = post_json(server, json.dumps(ASK), headers=headers)
    assert refused.status_code == 429 and refused.json()["error"]["code"] == "insufficient_quota"
    assert len(upstream.requests) == 1


def test_a_limited_key_may_not(relay):
    upstream = Upstream(json_answer(completion()))
    server = relay(upstream)
    key = server.make_key("--scopes", "image:generate")["key"]
    refused = post_json(server, json.dumps(ASK), headers=server.headers(key) |
                        {"content-type": "application/json"})
    assert refused.status_code == 401 and "scopes" in refused.json()["error"]["message"]
    assert upstream.requests == []


def test_our_own_pictures_and_files_go_along_as_data(relay):
    upstream = Upstream(json_answer(completion()))
    server = relay(upstream)
    link = server.generate(model="grok-imagine-image").json()["data"][0]["url"]
    kept = requests.post(f"{server.url}/v1/files", headers=server.headers(), timeout=10,
                         files={"file": ("red.png", RED)}).json()["id"]
    strange = {"type": "image_url", "image_url": {"url": "https://a.example/cat.png"}}
    content = [{"type": "image_url", "image_url": {"url": link}},
               {"type": "image_url", "image_url": {"file_id": kept}}, strange,
               {"type": "input_image", "file_id": kept}]
    body = {"model": "far", "messages": [{"role": "user", "content": content}]}
    assert post(server, body).status_code == 200
    sent = json.loads(upstream.requests[0][2])["messages"][0]["content"]
    picture = requests.get(link, timeout=10).content
    assert sent[0]["image_url"]["url"] == "data:image/jpeg;base64," + base64.b64encode(picture).decode()
    assert sent[1]["image_url"] == {"url": data_url(RED)}
    assert sent[2] == strange
    assert sent[3] == {"type": "input_image", "image_url": data_url(RED)}
    content[1]["image_url"]["file_id"] = "file_019ad0c4-5b1e-7a3c-8f11-0123456789ab"
    assert post(server, body).status_code == 404


def test_a_failure_is_tried_again_and_then_elsewhere(relay):
    broken = json_answer({"error": {"message": "broken"}}, 503)
    first, second = Upstream(Upstream.HANG_UP, broken), Upstream(json_answer(completion("from second")))
    reply = post(relay(first, second), ASK)
    assert reply.json()["choices"][0]["message"]["content"] == "from second"
    assert reply.headers["x-imagined-upstream"] == "u1"
    assert json.loads(second.requests[0][2])["model"] == "far"
    alone = Upstream(broken, json_answer(completion("at last")))
    server = relay(alone)
    assert post(server, ASK).json()["choices"][0]["message"]["content"] == "at last"
    assert post(server, ASK).status_code == 200
    # An upstream that knows such keys answers what it has been sent again once.
    first, again, other = (headers["idempotency-key"] for _, headers, _ in alone.requests)
    assert first == again != other


def test_who_fails_again_and_again_is_asked_last(relay):
    broken, good = Upstream(json_answer({}, 500)), Upstream(json_answer(completion()))
    server = relay(broken, good)
    for _ in range(7):
        assert post(server, ASK).status_code == 200
    assert len(broken.requests) == 5
    assert len(good.requests) == 7


def test_an_upstream_that_never_answers_well_is_passed_on_as_it_is(relay):
    said = {"error": {"message": "context too long", "code": "x"}}
    upstream = Upstream(json_answer(said, 400), json_answer(said, 500), json_answer(said, 500),
                        json_answer(said, 429, **{"retry-after": "7"}))
    server = relay(upstream)
    replies = [post(server, ASK) for _ in range(3)]
    assert [reply.status_code for reply in replies] == [400, 500, 429]
    assert all(reply.json() == said for reply in replies)
    assert replies[2].headers["retry-after"] == "7"
    assert len(upstream.requests) == 4  # the 500 twice, the 429 and the 400 once
    assert charges(server) == []


def test_an_upstream_that_says_no_seconds_is_passed_on_as_one(relay):
    """Of 0 seconds openai-java sends every order twice (findings/openai_java_no_retries.sh)."""
    server = relay(Upstream(json_answer({"error": {"message": "slow"}}, 429, **{"retry-after": "0"})))
    assert post(server, ASK).headers["retry-after"] == "1"


def test_errors_of_upstreams_have_xais_form_where_all_have(relay):
    upstream = Upstream(json_answer({"error": {"message": "context too long", "code": "x"}}, 400),
                        json_answer({"detail": "slow down"}, 429, **{"retry-after": "7"}),
                        (418, {"content-type": "text/html"}, b"<html>"))
    server = relay(upstream, arguments=["--strict-xai"])
    replies = [post(server, ASK) for _ in range(3)]
    assert [(reply.status_code, reply.json()) for reply in replies] == [
        (400, {"code": "invalid-argument", "error": "context too long"}),
        (429, {"code": "resource-exhausted", "error": "slow down"}),
        (418, {"code": "invalid-argument", "error": "the server that has the model answers 418"})]
    assert replies[1].headers["retry-after"] == "7" and replies[0].headers["x-imagined-upstream"] == "u0"


def test_the_page_of_a_proxy_is_told_as_an_error(relay):
    page = b"<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body>" + b"x" * 5000 + b"</body></html>"
    upstream = Upstream((502, {"content-type": "text/html", "retry-after": "7"}, page),
                        (502, {"content-type": "text/html", "retry-after": "7"}, page),
                        (503, {"content-type": "text/plain"}, b"upstream connect error\nmore"),
                        (503, {"content-type": "text/plain"}, b"upstream connect error\nmore"),
                        (404, {"content-type": "text/html"}, b""),
                        (502, {"content-type": "text/html"}, page))
    server = relay(upstream)
    replies = [post(server, ASK | {"stream": True}), post(server, ASK), post(server, ASK)]
    assert [(reply.status_code, reply.json()["error"]["message"]) for reply in replies] == [
        (502, "the server that has the model answers 502 Bad Gateway"),
        (503, "the server that has the model answers 503: upstream connect error"),
        (404, "the server that has the model answers 404")]
    for reply in replies:
        assert reply.headers["content-type"] == "application/json" and "x-should-retry" not in reply.headers
        assert reply.json()["request_id"] == reply.headers["x-request-id"]
    assert replies[0].headers["retry-after"] == "7" and replies[0].json()["error"]["type"] == "server_error"
    with openai_of(server) as client, \
            pytest.raises(openai.InternalServerError) as failed:
        client.chat.completions.create(**ASK)
    assert "502 Bad Gateway" in failed.value.message and "<" not in failed.value.message


@pytest.mark.parametrize("stream", [False, True])
def test_what_comes_coded_though_nobody_asked_for_it_is_decoded_and_its_usage_in_the_books(relay, stream):
    used = {"usage": {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15}}
    text = sse(chunk("a"), chunk("", **used), "[DONE]") if stream else json.dumps(completion() | used).encode()
    kind = "text/event-stream" if stream else "application/json"
    upstream = Upstream((200, {"content-type": kind, "content-encoding": "gzip"}, gzip.compress(text)))
    server = relay(upstream, settings='price_input_usd = "1"')
    reply = post(server, ASK | {"stream": stream, "stream_options": {"include_usage": True}})
    assert reply.content == text and "content-encoding" not in reply.headers
    assert upstream.requests[0][1]["accept-encoding"] == "identity"
    wait_until(lambda: charges(server) == [("far", "delivered", 1, 100_000)], "the charge of ten tokens")


@pytest.mark.parametrize("status, fields, body, says", [
    (200, {"content-type": "text/html"}, b"<!DOCTYPE html><title>Open WebUI</title>", "200 with a page (Open WebUI)"),
    (200, {"content-type": "application/json"}, b"", "200 with nothing"),
    (308, {"content-type": "application/json", "location": "https://far.example/v1"}, b"", "308 with a redirect"),
])
def test_what_is_neither_an_answer_nor_an_error_is_told_as_an_error_and_costs_nothing(
        relay, status, fields, body, says):
    server = relay(Upstream((status, fields, body)))
    for stream in (False, True):
        reply = post(server, ASK | {"stream": stream}, allow_redirects=False)
        assert reply.status_code == 503
        assert f"the server that has the model answers {says}" in reply.json()["error"]["message"]
        assert reply.headers["x-should-retry"] == "false"
    assert charges(server) == []


def test_who_knows_no_streams_is_told_as_the_stream_that_was_asked_for(relay):
    server = relay(Upstream(json_answer(completion("a house"))), settings='price_input_usd = "1"')
    with openai_of(server) as client:
        chunks = list(client.chat.completions.create(**ASK, stream=True, stream_options={"include_usage": True}))
    assert "".join(choice.delta.content for each in chunks for choice in each.choices) == "a house"
    assert chunks[0].choices[0].finish_reason == "stop" and chunks[-1].usage.prompt_tokens == 10
    wait_until(lambda: charges(server) == [("far", "delivered", 1, 100_000)], "the charge of ten tokens")


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("answer", [{"error": {"message": "no room", "code": 502}, "usage": {"prompt_tokens": 10}},
                                    {"error": "no room", "choices": []}])
def test_an_error_under_a_status_of_success_is_told_as_an_error_and_costs_nothing(relay, answer, stream):
    server = relay(Upstream(json_answer(answer)), settings='price_input_usd = "1"')
    reply = post(server, ASK | {"stream": stream})
    assert reply.status_code == 503 and reply.headers["x-should-retry"] == "false"
    assert reply.json()["error"]["message"] == "the server that has the model says: no room"
    assert charges(server) == []


def test_what_only_looks_like_an_error_is_passed_on(relay):
    answers = [completion() | {"error": None}, completion() | {"error": False}, completion('the "error": none'),
               completion() | {"x": {"error": "of something else"}}]
    server = relay(Upstream(*map(json_answer, answers)))
    assert [post(server, ASK).json() for _ in answers] == answers
    failed = {"object": "response", "status": "failed", "error": {"code": "server_error", "message": "no room"}}
    assert post(relay(Upstream(json_answer(failed))), {"model": "far", "input": "hi"}, "/v1/responses").json() == failed


@pytest.mark.parametrize("path, answer, says", [
    ("/v1/responses", {"id": "resp_1", "object": "response", "output": []}, "with no stream, which was asked for"),
])
def test_what_nobody_could_show_as_the_stream_that_was_asked_for_is_an_error_and_costs_nothing(
        relay, path, answer, says):
    server = relay(Upstream(json_answer(answer)))
    reply = post(server, {"model": "far", "input": "hi", "messages": [], "stream": True}, path)
    assert reply.status_code == 503, reply.text
    assert says in reply.json()["error"]["message"] and reply.headers["x-should-retry"] == "false"
    assert charges(server) == []


def test_a_redirect_is_not_followed_and_another_upstream_is_asked(relay):
    first, second = Upstream((302, {"content-type": "text/html", "location": "/"}, b"")), Upstream(
        json_answer(completion()))
    assert post(relay(first, second), ASK).json() == completion()
    assert len(first.requests) == 1


def test_nobody_there_is_said(relay):
    upstream = Upstream(Upstream.HANG_UP)
    reply = post(relay(upstream), ASK)
    assert reply.status_code == 503
    assert '"far"' in reply.json()["error"]["message"]


def test_a_key_that_the_upstream_refuses_is_not_the_customers_fault(relay):
    reply = post(relay(Upstream(json_answer({"error": "no"}, 401))), ASK)
    assert reply.status_code == 503
    assert "refuses this server's key" in reply.json()["error"]["message"]
    assert reply.headers["x-should-retry"] == "false"


def test_an_upstream_with_a_certificate_that_nobody_vouches_for_gets_nothing(relay, tmp_path):
    upstream = Upstream(json_answer(completion()), certificate=Authority(tmp_path).issue("far"))
    server = relay(upstream)
    reply = post(server, ASK)
    assert reply.status_code == 503 and "no server that has the model" in reply.json()["error"]["message"]
    assert upstream.requests == []
    assert "certificate" in server.log_text()


def test_an_upstream_is_trusted_by_the_authority_that_the_operator_names(relay, tmp_path):
    authority = Authority(tmp_path)
    text = sse(chunk("a "), chunk("house"), "[DONE]")
    upstream = Upstream(json_answer(completion()), stream_answer(text), certificate=authority.issue("far"))
    server = relay(upstream, settings=f'ca_file = "{authority.certificate}"')
    assert post(server, ASK).json() == completion()
    assert post(server, ASK | {"stream": True}).content == text


def test_a_stream_that_breaks_ends_with_an_error_event(relay):
    begun = sse(chunk("a"))
    upstream = Upstream(stream_answer(begun + b"data: {\"cut", Upstream.HANG_UP))
    server = relay(upstream)
    reply = post(server, ASK | {"stream": True})
    last = reply.text.strip().split("\n\n")[-1]
    assert reply.content.removeprefix(begun).strip() == last.encode(), "half an event is none"
    assert "no whole answer" in json.loads(last.removeprefix("data: "))["error"]["message"]


def test_a_stream_that_stalls_within_an_event_is_kept_alive(relay):
    more = threading.Event()
    first, second = sse(chunk("a")), sse(chunk("b"), "[DONE]")
    upstream = Upstream(stream_answer(first + second[:9], more, second[9:]))
    server = relay(upstream)
    with requests.post(server.url + "/v1/chat/completions", json=ASK | {"stream": True},
                       headers=server.headers(), stream=True, timeout=60) as reply:
        pieces = reply.iter_content(None)
        told = next(pieces)
        assert told == first, "what is whole does not wait"
        while len(told) == len(first):
            told += next(pieces)
        assert told == first + b": at work\n\n"
        more.set()
        assert b"".join(pieces) == second


def test_an_event_of_any_length_goes_by_unchanged(relay):
    text = sse(chunk("a"), chunk("x" * 300_000), chunk("y" * 60_000), "[DONE]")
    upstream = Upstream(stream_answer(*(text[i:i + 10_007] for i in range(0, len(text), 10_007))))
    assert post(relay(upstream), ASK | {"stream": True}).content == text


def test_what_is_nested_too_deeply_is_said_to_be(relay):
    upstream = Upstream(json_answer(completion()))
    server = relay(upstream)
    for levels, status in ((256, 200), (257, 400), (50_000, 400)):
        body = b'{"x":' + b"[" * (levels - 1) + b"]" * (levels - 1) + b',"model":"far","messages":[]}'
        reply = post_json(server, body)
        assert reply.status_code == status, reply.text
    assert reply.json()["error"]["message"] == "the body is nested too deeply (at most 256 levels are allowed)"
    assert len(upstream.requests) == 1


def test_who_leaves_a_stream_ends_the_work_of_the_upstream(relay):
    more, never = threading.Event(), threading.Event()
    upstream = Upstream(stream_answer(sse(chunk("a")), more, sse(chunk("b")), never))
    server = relay(upstream)
    reply = requests.post(server.url + "/v1/chat/completions", json=ASK | {"stream": True},
                          headers=server.headers(), stream=True, timeout=30)
    pieces = reply.iter_content(8)
    assert next(pieces)
    reply.close()
    more.set()  # only what is sent to a client that has gone finds that out
    assert upstream.gone.wait(20)


def test_who_waits_no_longer_ends_the_work_of_the_upstream(relay):
    upstream = Upstream((200, {"content-type": "application/json"}, threading.Event(), b"{}"))
    server = relay(upstream)
    with pytest.raises(requests.exceptions.ReadTimeout):
        requests.post(server.url + "/v1/chat/completions", json=ASK, headers=server.headers(), timeout=1)
    assert upstream.gone.wait(20)
    assert charges(server) == []


def test_a_slow_reader_holds_its_upstream_back(relay):
    """64 MiB: what the sockets and the server hold is less."""
    piece = b"data: " + b"x" * 65536 + b"\n\n"
    upstream = Upstream(stream_answer(*[piece] * 1024))
    server = relay(upstream)
    before = server.memory_kib()
    reply = requests.post(server.url + "/v1/chat/completions", json=ASK | {"stream": True},
                          headers=server.headers(), stream=True, timeout=60)
    parts = reply.iter_content(1 << 20)
    first = next(parts)
    assert upstream.stalled.wait(20)
    assert upstream.sent < 32 << 20
    assert server.memory_kib() - before < 24 * 1024
    assert len(first) + sum(map(len, parts)) == 1024 * len(piece)


def test_an_unknown_model_is_told_what_there_is(relay, server):
    known = post(relay(Upstream(json_answer(completion()))), ASK | {"model": "nobody"})
    assert known.status_code == 404
    assert "far, other" in known.json()["error"]["message"]
    assert "[upstreams.NAME]" in post(server, ASK).json()["error"]["message"]


def test_a_model_that_makes_pictures_names_those_that_may_see(relay):
    server = relay(Upstream(json_answer(completion())))
    content = [{"type": "text", "text": "what is this?"},
               {"type": "image_url", "image_url": {"url": data_url(RED)}}]
    body = {"model": "grok-imagine-image", "messages": [{"role": "user", "content": content}]}
    reply = post(server, body)
    assert reply.status_code == 400
    assert "far, other" in reply.json()["error"]["message"]


@pytest.mark.parametrize("table, says", [
    ('base_url = "ftp://x"\nmodels = ["a"]', "base_url: expected a URL"),
    ('models = ["a"]', "base_url: is missing"),
    ('base_url = "http://x/v1"', "models: is missing"),
    ('base_url = "http://x/v1"\nmodels = ["a", "a=b"]', "there twice"),
    ('base_url = "http://x/v1"\nmodels = ["a"]\nprice_input_usd = 0.5', "in quotes"),
    ('base_url = "http://x/v1"\nmodels = ["a"]\nbase_ur = "x"', 'did you mean "base_url"'),
    ('base_url = "http://x/v1"\nmodels = ["a"]\nkey_env = "NOT_SET_ANYWHERE"', "NOT_SET_ANYWHERE"),
    ('base_url = "http://x/v1"\nmodels = ["a"]\nca_file = 7', "ca_file: expected a file"),
    ('base_url = "http://x/v1"\nmodels = ["a"]\nca_file = "/not/there.pem"', "ca_file: there is no /not/there.pem"),
])
def test_a_wrong_upstream_is_said_by_name(tmp_path, table, says):
    file = tmp_path / "wrong.toml"
    file.write_text("[upstreams.far]\n" + table)
    done = run("serve", "--config", file, "--data-dir", tmp_path / "data", "--http-listen", "127.0.0.1:0")
    assert done.returncode != 0
    assert says in done.stderr and "far" in done.stderr
    checked = run("config", "check", "--config", file, "--data-dir", tmp_path / "data")
    assert checked.returncode != 0 and says in checked.stderr, "what serve refuses, check names"
