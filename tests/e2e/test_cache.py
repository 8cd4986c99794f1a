"""Never the same prompt twice: hits, misses, twins, and what they cost."""

import threading

import pytest
import requests

from program import PROMPT, SLOW

USE = {"x-cache": "use"}


def ask(server, headers=None, key=None, **body):
    body.setdefault("prompt", PROMPT)
    return requests.post(f"{server.url}/v1/images/generations", json=body, timeout=120,
                         headers=server.headers(key) | (headers or {}))


def cost(reply):
    return reply.json()["usage"]["cost_in_usd_ticks"]


def outcomes(server):
    return server.query("SELECT outcome, paid_pictures, cost_usd_ticks FROM charges "
                        "ORDER BY created_ms, id")


@pytest.mark.parametrize("kind", ["memory", "database"])
def test_the_same_request_gets_the_same_pictures_for_nothing(start_server, kind):
    server = start_server("--cache", kind)
    first, second = ask(server, USE, n=2), ask(server, USE, n=2)
    assert [first.headers["x-cache"], second.headers["x-cache"]] == ["miss", "hit"]
    assert cost(first) == 2 * 200_000_000 and cost(second) == 0
    bytes_of = [[requests.get(entry["url"], timeout=10).content for entry in reply.json()["data"]]
                for reply in (first, second)]
    assert bytes_of[0] == bytes_of[1]
    assert server.job_states() == ["succeeded"]
    assert outcomes(server) == [("delivered", 2, 400_000_000), ("cached", 2, 0)]
    for other in ({"n": 1}, {"n": 2, "seed": 3}, {"n": 2, "resolution": "2k"},
                  {"n": 2, "prompt": PROMPT + "!"}):
        assert ask(server, USE, **other).headers["x-cache"] == "miss"


def test_nothing_is_cached_that_nobody_has_asked_for(start_server):
    server = start_server()
    assert [ask(server).headers["x-cache"] for _ in range(2)] == ["bypass", "bypass"]
    assert ask(server, USE).headers["x-cache"] == "miss"
    assert ask(server, {"x-cache": "bypass"}).headers["x-cache"] == "bypass"
    assert len(server.job_states()) == 4
    wrong = ask(server, {"x-cache": "maybe"})
    assert wrong.status_code == 400 and "x-cache" in wrong.json()["error"]["message"]


def test_a_key_may_ask_for_it_always(start_server):
    server = start_server("--cache-hits", "full")
    key = server.make_key("--cache", "--name", "always")["key"]
    replies = [ask(server, key=key) for _ in range(2)]
    assert [reply.headers["x-cache"] for reply in replies] == ["miss", "hit"]
    assert [cost(reply) for reply in replies] == [200_000_000] * 2
    assert ask(server, {"x-cache": "bypass"}, key=key).headers["x-cache"] == "bypass"


def test_a_picture_that_is_gone_is_no_hit(start_server):
    server = start_server("--cache", "database")
    assert ask(server, USE).headers["x-cache"] == "miss"
    with server_database(server) as database:
        database.execute("DELETE FROM pictures")
    assert ask(server, USE).headers["x-cache"] == "miss"
    assert ask(server, USE).headers["x-cache"] == "hit"


def server_database(server):
    import sqlite3
    return sqlite3.connect(f"{server.data_dir}/imagined.db", timeout=5)


def test_twins_are_made_once(start_server):
    server = start_server(*SLOW)
    replies = []
    twins = [threading.Thread(target=lambda: replies.append(ask(server, USE, model="slow")))
             for _ in range(3)]
    for twin in twins:
        twin.start()
    for twin in twins:
        twin.join()
    assert sorted(reply.headers["x-cache"] for reply in replies) == ["hit", "hit", "miss"]
    assert len({str(reply.status_code) for reply in replies}) == 1
    assert server.job_states() == ["succeeded"]
    assert sum(row[0] == "cached" for row in outcomes(server)) == 2
