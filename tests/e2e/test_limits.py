"""What a key may ask for: rates, budgets, and what is charged, as OpenAI's client sees it."""

import contextlib
import json
import threading
import time

import pytest
import requests

from program import PROMPT, SLOW, run, stopped, wait_until

openai = pytest.importorskip("openai", reason="the openai package is not installed")


def client(server, key, **options):
    options.setdefault("max_retries", 0)
    return openai.OpenAI(base_url=f"{server.url}/v1", api_key=key, **options)


def ask_wrongly(server, key):
    """A request that costs no picture and counts all the same."""
    return client(server, key).images.with_raw_response.generate(
        model="grok-imagine-image", prompt=PROMPT, n=11)


def books(server):
    checked = run("usage", "--check", "--json", "--data-dir", server.data_dir)
    assert checked.returncode == 0, checked.stderr
    return json.loads(checked.stdout)


def test_the_third_of_two_requests_a_minute_is_refused_and_told_when_to_come_back(server):
    key = server.make_key("--per-minute", 2)["key"]
    for _ in range(2):
        with pytest.raises(openai.BadRequestError):
            ask_wrongly(server, key)
    with pytest.raises(openai.RateLimitError) as refused:
        ask_wrongly(server, key)
    headers = refused.value.response.headers
    assert 1 <= int(headers["retry-after"]) <= 60
    assert "x-should-retry" not in headers
    assert headers["x-ratelimit-limit"] == headers["x-ratelimit-limit-requests"] == "2"
    assert headers["x-ratelimit-remaining"] == headers["x-ratelimit-remaining-requests"] == "0"
    assert 0 < int(headers["x-ratelimit-reset"]) - time.time() <= 61
    assert headers["x-ratelimit-reset-requests"].endswith("s")
    assert headers["ratelimit-policy"] == '"rps";q=5;w=1, "rpm";q=2;w=60'
    assert '"rpm";r=0;t=' in headers["ratelimit"]
    assert "Requests per Minute (actual/limit): 2/2" in refused.value.message
    assert refused.value.body["code"] == "resource-exhausted"


def test_another_model_and_another_key_have_their_own_limit(server):
    key = server.make_key("--per-minute", 1)["key"]
    with pytest.raises(openai.BadRequestError):
        ask_wrongly(server, key)
    assert client(server, key).images.generate(model="grok-imagine-image-quality", prompt=PROMPT).data
    with pytest.raises(openai.BadRequestError):
        ask_wrongly(server, server.make_key("--per-minute", 1)["key"])


def test_five_a_second_are_let_in_by_default(start_server):
    server = start_server()
    key = server.make_key()["key"]
    body = {"prompt": PROMPT, "n": 11}
    with requests.Session() as session:
        codes = [session.post(f"{server.url}/v1/images/generations", json=body,
                              headers=server.headers(key), timeout=10) for _ in range(6)]
    took_s = sum(reply.elapsed.total_seconds() for reply in codes)
    if took_s >= 1:
        pytest.skip(f"this machine took {took_s:.1f} s for six requests")
    assert [reply.status_code for reply in codes] == [400] * 5 + [429]
    assert codes[-1].headers["retry-after"] == "1"


def test_a_waiting_server_queues_instead_of_refusing(start_server):
    server = start_server("--limit-mode", "wait")
    key = server.make_key("--per-second", 1)["key"]
    started = time.monotonic()
    for _ in range(3):
        with pytest.raises(openai.BadRequestError):
            ask_wrongly(server, key)
    assert time.monotonic() - started >= 2


def test_a_budget_is_not_overdrawn_and_no_client_asks_again_by_itself(start_server):
    server = start_server()
    made = server.make_key("--usd-per-day", "0.03")
    asking = client(server, made["key"], max_retries=2)
    assert len(asking.images.generate(model="grok-imagine-image", prompt=PROMPT).data) == 1
    with pytest.raises(openai.RateLimitError) as refused:
        asking.images.generate(model="grok-imagine-image", prompt=PROMPT)
    assert refused.value.body["code"] == "insufficient_quota"
    assert refused.value.response.headers["x-should-retry"] == "false"
    assert "The daily budget of this key is used up: 0.02 of 0.03 USD" in refused.value.message
    assert server.job_states() == ["succeeded"]

    shown = server.keys("show", made["id"])
    assert shown["spent"]["day"] == {"pictures": 1, "usd": "0.02"}
    assert shown["limits"] == {"usd_per_day": "0.03"}
    listed = {row["id"]: row["pictures"] for row in server.keys("list")["keys"]}
    assert listed[made["id"]] == 1 and sum(listed.values()) == 1
    rows = run("keys", "list", "--data-dir", server.data_dir).stdout.splitlines()
    assert rows[0].endswith("  PICTURES")
    assert [row.split()[-1] for row in rows if row.startswith(made["id"])] == ["1"]
    used = json.loads(run("usage", "--json", "--data-dir", server.data_dir).stdout)["usage"]
    assert [(row["key_id"], row["outcome"], row["pictures"], row["usd"]) for row in used] == [
        (made["id"], "delivered", 1, "0.02")]
    csv = run("usage", "--csv", "--data-dir", server.data_dir).stdout.splitlines()
    assert csv[1].endswith(",delivered,1,1,0.02")
    assert books(server) == {"right": True, "balances": {
        "wallet:default": "-0.02", "held:default": "0.00", "revenue:grok-imagine-image": "0.02"}}


def test_usage_tells_the_users_of_a_key_apart(start_server):
    server = start_server()
    for user in ("ann", "bob", "a\x1b[31mb"):
        assert server.generate(user=user).status_code == 200
    shown = run("usage", "--data-dir", server.data_dir).stdout
    rows = shown.splitlines()
    assert rows[0].split()[4] == "USER" and len(rows) == 5
    assert len(set(rows)) == 5 and "\x1b" not in shown


def test_a_key_has_so_many_jobs_at_the_same_time(start_server):
    server = start_server(*SLOW, "--in-flight-max", 2)
    mine, other = server.make_key(), server.make_key("--in-flight", 1)

    def ask(key):
        return requests.post(f"{server.url}/v1/images/generations", timeout=60,
                             headers=server.headers(key["key"]),
                             json={"prompt": PROMPT, "model": "slow", "n": 10})

    def wait_to_the_end(key):  # which is the server's
        with contextlib.suppress(requests.exceptions.RequestException):
            ask(key)

    for key in (mine, mine, other):
        threading.Thread(target=wait_to_the_end, args=(key,), daemon=True).start()
    wait_until(lambda: len(server.job_states()) == 3, "three jobs")
    for key, limit in ((mine, 2), (other, 1)):
        refused = ask(key)
        assert refused.status_code == 429, refused.text
        assert int(refused.headers["retry-after"]) >= 1
        assert str(limit) in refused.json()["error"]["message"]
    assert len(server.job_states()) == 3


def test_a_cancelled_request_costs_nothing(start_server):
    server = start_server(*SLOW, "--set", "models.slow.price_usd=0.05")
    with pytest.raises(requests.exceptions.Timeout):
        server.generate(model="slow", n=10, timeout=0.5)
    wait_until(lambda: server.job_states() == ["cancelled"], "the end of the job")
    balances = books(server)["balances"]
    assert balances["wallet:default"] == balances["held:default"] == "0.00"


def test_the_same_idempotency_key_is_one_job_and_one_charge(start_server):
    server = start_server()
    headers = server.headers() | {"Idempotency-Key": "once"}
    replies = [requests.post(f"{server.url}/v1/images/generations", headers=headers, timeout=60,
                             json={"prompt": PROMPT}) for _ in range(2)]
    assert [reply.status_code for reply in replies] == [200, 200]
    assert replies[0].json()["created"] == replies[1].json()["created"]
    assert server.job_states() == ["succeeded"]
    assert books(server)["balances"]["wallet:default"] == "-0.02"
    other = requests.post(f"{server.url}/v1/images/generations", headers=headers, timeout=60,
                          json={"prompt": "another picture"})
    assert other.status_code == 422
    assert other.json()["error"]["param"] == "idempotency_key"


def test_an_sdk_that_lost_the_answer_is_given_what_it_has_paid_for(start_server):
    server = start_server()
    headers = server.headers() | {"x-stainless-retry-count": "1"}
    assert server.generate().status_code == 200
    again = requests.post(f"{server.url}/v1/images/generations", headers=headers, timeout=60,
                          json={"prompt": PROMPT})
    assert again.status_code == 200
    assert server.job_states() == ["succeeded"]
    fresh = server.generate()  # no mark: the same prompt twice is a legitimate wish
    assert fresh.status_code == 200
    assert server.job_states() == ["succeeded", "succeeded"]


def test_an_sdk_that_a_stopping_server_could_not_wait_with_is_given_the_picture_later(start_server, tmp_path):
    server = start_server("--drain-s", "2", data_dir=tmp_path / "lives")
    with stopped(wait_until(server.worker_pid, "a worker")):
        replies = []
        asking = threading.Thread(target=lambda: replies.append(server.generate()))
        asking.start()
        wait_until(server.job_states, "a job")
        server.process.terminate()
        asking.join(30)
    assert replies[0].status_code == 503 and int(replies[0].headers["retry-after"]) >= 1
    assert server.process.wait(30) == 0
    second = start_server(data_dir=tmp_path / "lives")
    again = requests.post(f"{second.url}/v1/images/generations", timeout=60, json={"prompt": PROMPT},
                          headers=server.headers() | {"x-stainless-retry-count": "1"})
    assert again.status_code == 200
    assert second.job_states() == ["succeeded"]
    assert books(second)["balances"]["wallet:default"] == "-0.02"


def test_a_server_may_answer_strictly_as_xai_and_ask_for_money_with_402(start_server):
    server = start_server("--strict-xai", "--out-of-quota-status", "402")

    def post(key, **body):
        headers = server.headers(key) if key else {}
        reply = requests.post(f"{server.url}/v1/images/generations", headers=headers, timeout=60,
                              json={"prompt": PROMPT} | body)
        return reply.status_code, reply.json()

    assert post(None) == (401, {"code": "unauthenticated:no-credentials",
                                "error": "No credentials presented."})
    wrong = post("sk-something")
    assert wrong == (400, {"code": "invalid-argument",
                           "error": "Incorrect API key provided: sk***ng."})
    revoked = server.make_key()
    server.keys("delete", revoked["id"])
    assert post(revoked["key"])[0] == 400
    status, body = post(server.make_key("--scopes", "models:read")["key"])
    assert (status, body["code"]) == (403, "permission-denied")
    assert isinstance(body["error"], str)
    assert post(server.key, size="1024x1024") == (
        400, {"code": "invalid-argument", "error": "Argument not supported: size"})
    assert post(server.key, resolution="2K")[0] == 422
    assert post(server.key, model="no-such")[0] == 404
    status, body = post(server.make_key("--usd-per-day", "0.01")["key"])
    assert (status, body["code"]) == (402, "insufficient_quota")
