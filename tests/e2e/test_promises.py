"""The counts of docs/reliability.md that need the real program: lost answers, killed workers, too
many requests, slow clients.

CI runs a few of each. `PROMISES=100 PROGRAM=build/release/bench/instant` multiplies them (and prints
what was measured, with `-s`); `instant` is this program with an engine that answers at once.
"""

import asyncio
import base64
import contextlib
import itertools
import json
import multiprocessing
import os
import random
import socket
import statistics
import time
import urllib.parse

import pytest
import requests

from program import PAPERLAND, Server, run, wait_until
from test_people import KEYS, Person

SCALE = int(os.environ.get("PROMISES", 1))
GENERATIONS = "/v1/images/generations"
UNLIMITED = ("--per-second", 1_000_000, "--per-minute", 60_000_000, "--in-flight", 100_000)
ROOM = ("--connections-per-address-max", 20_000, "--connections-max", 20_000, "--log-level",
        "warn")


def report(what, **figures):
    print(f"\n{what}: " + ", ".join(f"{name} {value}" for name, value in figures.items()))


def percentile(values, share):
    return sorted(values)[min(len(values) - 1, int(len(values) * share))]


def message(server, body, key=None, fields=()):
    head = [f"POST {GENERATIONS} HTTP/1.1", "Host: 127.0.0.1", "Content-Type: application/json",
            f"Authorization: Bearer {key or server.key}", f"Content-Length: {len(body)}",
            "Connection: close", *fields]
    return "\r\n".join(head).encode() + b"\r\n\r\n" + body


async def send(server, request, cut=None):
    """Status, fields and body of the reply; none where the connection is cut `before` the answer is
    there, or in the `middle` of it."""
    reader, writer = await asyncio.open_connection(*server.address)
    try:
        writer.write(request)
        await writer.drain()
        if cut == "before":
            await asyncio.sleep(random.random() * 0.05)
            return None
        if cut == "middle":
            await reader.read(random.randrange(1, 300))
            return None
        head, _, body = (await reader.read()).partition(b"\r\n\r\n")
        lines = head.decode().split("\r\n")
        return (int(lines[0].split()[1]),
                {name.lower(): value for name, value in (line.split(": ", 1) for line in lines[1:])},
                body)
    finally:
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()


async def side_by_side(count, work, at_once=32):
    """`work(i)` for each i below count, so many of them at a time."""
    gate = asyncio.Semaphore(at_once)

    async def one(i):
        async with gate:
            return await work(i)

    return await asyncio.gather(*(one(i) for i in range(count)))


def check_books(server):
    checked = run("usage", "--check", "--json", "--data-dir", server.data_dir)
    assert json.loads(checked.stdout)["right"], checked.stdout


@pytest.fixture
def roomy(start_server):
    def start(*arguments):
        server = start_server(*ROOM, *arguments, grpc="off")
        server.key = server.make_key(*UNLIMITED)["key"]
        return server
    return start


# M5

def test_a_request_sent_again_under_its_key_is_one_answer_and_one_charge(roomy):
    count = 20 * SCALE if SCALE == 1 else 100 * SCALE
    server = roomy("--queue-limit", 100_000)

    async def one(i):
        body = json.dumps({"prompt": f"a red house {i}", "response_format": "b64_json"}).encode()
        request = message(server, body, fields=[f"Idempotency-Key: key-{i}"])
        cuts = [random.choice([None, "before", "middle"]) for _ in range(random.randrange(5))]
        if random.random() < 0.5:
            earlier = await asyncio.gather(*(send(server, request, cut) for cut in cuts))
        else:
            earlier = [await send(server, request, cut) for cut in cuts]
        replies = [reply for reply in [*earlier, await send(server, request)] if reply]
        assert {status for status, _, _ in replies} == {200}, replies
        assert len({body for _, _, body in replies}) == 1, "the same answer, byte for byte"
        other = await send(server, message(server, b'{"prompt": "another"}',
                                           fields=[f"Idempotency-Key: key-{i}"]))
        assert other[0] == 422
        return 1 + len(cuts)

    sent = asyncio.run(side_by_side(count, one))
    assert server.query("SELECT count(*), count(DISTINCT idempotency_key) FROM jobs") == \
        [(count, count)]
    assert server.query("SELECT count(*), sum(paid_pictures) FROM charges") == [(count, count)]
    check_books(server)
    report("M5", requests=count, sent=sum(sent), charges=count)


# M6

def test_an_sdks_own_retry_after_a_lost_answer_is_no_second_charge(roomy):
    count = 20 * SCALE if SCALE == 1 else 30 * SCALE  # of each way to lose an answer
    server = roomy("--queue-limit", 100_000)
    keys = [server.make_key(*UNLIMITED)["key"] for _ in range(2)]

    async def one(i):
        body = json.dumps({"prompt": f"a red house {i // 2}"}).encode()
        key = keys[i % 2]  # the other key asks for the same
        for attempt, cut in enumerate([random.choice(["before", "middle"])] *
                                      random.choice([1, 1, 2])):
            await send(server, message(server, body, key, [f"x-stainless-retry-count: {attempt}"]),
                       cut)
            await asyncio.sleep(0.5)  # as the SDKs do at least
        status, _, reply = await send(server, message(server, body, key,
                                                      ["x-stainless-retry-count: 2"]))
        assert status == 200, reply
        return urllib.parse.urlsplit(json.loads(reply)["data"][0]["url"]).path

    paths = asyncio.run(side_by_side(2 * count, one))
    assert len(set(paths)) == 2 * count, "nobody was given the picture of another"
    wait_until(lambda: {"queued", "running"}.isdisjoint(server.job_states()), "the end of all jobs")
    [(paid, jobs)] = server.query("SELECT sum(cost_usd_ticks > 0), count(*) FROM charges")
    # A job that was cancelled with its client came to nothing and cost nothing; the retry's is new.
    # One that overtakes the request that it repeats is a new request to us.
    assert 2 * count <= paid <= 2.02 * count, "a lost answer was charged twice"
    check_books(server)
    report("M6", lost_answers=2 * count, paid=paid, jobs=jobs)


# M9

def test_a_price_that_changes_holds_for_new_jobs_alone(tmp_path):
    """Jobs of four prices wait together, for each server ends before it has made its own."""
    count = 5 if SCALE == 1 else 10 * SCALE
    prices, key = {}, None

    async def order(server):
        body = json.dumps({"prompt": "a red house", "model": "poster", "deferred": True}).encode()
        reply = await send(server, message(server, body, key))
        assert reply[0] == 200, reply
        return json.loads(reply[2])["request_id"]

    for cents in (1, 2, 5, 7):
        with Server(tmp_path / "data", *ROOM, "--queue-limit", 100_000, "--set",
                    f"models.poster.path={PAPERLAND}", "--set",
                    f"models.poster.price_usd=0.0{cents}", grpc="off") as server:
            key = key or server.make_key(*UNLIMITED)["key"]
            ids = asyncio.run(side_by_side(count, lambda _: order(server)))
            prices |= dict.fromkeys(ids, cents * 100_000_000)
            if cents < 7:
                server.process.kill()
                server.process.wait()
            else:
                wait_until(lambda: set(server.job_states()) == {"succeeded"}, "all pictures", 120)
                paid = dict(server.query("SELECT id, cost_usd_ticks FROM charges"))
                waited = sum(1 for i in prices if i not in ids)
                check_books(server)
    assert paid == prices
    report("M9", jobs=len(paid), of_earlier_prices=waited, mismatches=0)


# J1

def test_every_job_that_was_taken_ends_though_workers_are_killed(roomy):
    count = 40 if SCALE == 1 else 50 * SCALE
    kills = count // 20
    server = roomy("--queue-limit", 100_000)

    async def order(i):
        reply = await send(server, message(server, b'{"prompt": "a red house", "deferred": true}'))
        assert reply[0] == 200, reply
        return json.loads(reply[2])["request_id"]

    def final():
        return server.query("SELECT count(*) FROM jobs WHERE state NOT IN ('queued', 'running')")[0][0]

    recoveries = []
    ids = []
    for kill in range(kills):
        ids += asyncio.run(side_by_side(count // kills, order))
        wait_until(lambda: server.worker_pid(), "a worker")
        time.sleep(random.random() * 0.02)  # somewhere in the work
        before, at = final(), time.monotonic()
        server.kill_worker()
        wait_until(lambda: final() > before or final() == len(ids), "work after a kill", 30)
        recoveries.append(time.monotonic() - at)
    wait_until(lambda: final() == len(ids), "the end of all jobs", 60)
    states = server.job_states()
    assert len(set(ids)) == count == len(states)
    assert set(states) <= {"succeeded", "failed"}
    assert server.query("SELECT count(*) FROM jobs j JOIN charges c USING (id) WHERE"
                        " (j.state = 'succeeded') <> (c.cost_usd_ticks > 0)") == [(0,)]
    check_books(server)
    report("J1", jobs=count, kills=kills, succeeded=states.count("succeeded"),
           failed_after_two_deaths=states.count("failed"),
           recovery_p99_s=round(percentile(recoveries, 0.99), 2))


# R5

def quick(server, key, body=b'{"prompt": "a red house"}'):
    return message(server, body, key)


async def offered(server, request, rate, seconds, seen):
    """Requests at a rate that no answer slows down; (status, fields, seconds) of each."""
    begin = time.monotonic()
    tasks = []

    async def one():
        started = time.monotonic()
        with contextlib.suppress(ConnectionError):
            status, fields, _ = await send(server, request)
            seen.append((status, fields, time.monotonic() - started))

    for i in range(int(rate * seconds)):
        await asyncio.sleep(max(0, begin + i / rate - time.monotonic()))
        tasks.append(asyncio.create_task(one()))
    await asyncio.gather(*tasks)
    return time.monotonic() - begin


def resident_mb(server):
    status = open(f"/proc/{server.process.pid}/status").read()
    return int(status.split("VmRSS:")[1].split()[0]) / 1024


def test_overload_is_refused_at_once_and_what_is_taken_is_made(roomy):
    """Ten times as much as a key may: the rest is told when to come back."""
    seconds = 2 if SCALE == 1 else 120
    rate = 20 if SCALE == 1 else 40
    server = roomy()
    key = server.make_key("--per-second", rate, "--per-minute", 60 * rate)["key"]
    calm, seen = [], []
    asyncio.run(offered(server, quick(server, key), rate * 0.8, seconds / 2, calm))
    wait_until(lambda: {"queued", "running"}.isdisjoint(server.job_states()), "calm")
    before_mb, before = resident_mb(server), len(server.job_states())
    time.sleep(1)  # the windows of the limit are empty again
    took = asyncio.run(offered(server, quick(server, key), 10 * rate, seconds, seen))
    taken = [s for status, _, s in seen if status == 200]
    refused = [(fields, s) for status, fields, s in seen if status == 429]
    assert len(taken) + len(refused) == len(seen) == 10 * rate * seconds
    assert all(1 <= int(fields["retry-after"]) <= 60 for fields, _ in refused)
    assert len(server.job_states()) - before == len(taken), "only what is taken is work"
    if SCALE > 1:  # a figure, of a machine that has the time
        assert len(taken) >= 0.9 * rate * seconds
    grown_mb = resident_mb(server) - before_mb
    assert grown_mb < 64
    report("R5", offered_per_s=10 * rate, seconds=round(took), goodput_per_s=round(len(taken) / took, 1),
           allowed_per_s=rate, p99_ms=round(1000 * percentile(taken, 0.99), 1),
           calm_p99_ms=round(1000 * percentile([s for _, _, s in calm], 0.99), 1),
           refusal_p50_ms=round(1000 * statistics.median(s for _, s in refused), 1),
           refusal_p99_ms=round(1000 * percentile([s for _, s in refused], 0.99), 1),
           grown_mb=round(grown_mb))


# R6

def test_a_key_that_asks_too_much_takes_nothing_from_the_others(roomy):
    seconds = 2 if SCALE == 1 else 120
    others = 4 if SCALE == 1 else 20
    server = roomy()
    made = [server.make_key("--per-second", 5, "--per-minute", 300)["key"] for _ in range(others + 1)]

    async def live(hog):
        seen = [[] for _ in made]
        work = [offered(server, quick(server, key), 1, seconds, seen[i])
                for i, key in enumerate(made[1:], 1)]
        if hog:
            work.append(offered(server, quick(server, made[0]), 100, seconds, seen[0]))
        await asyncio.gather(*work)
        return seen

    alone, beside = asyncio.run(live(False)), asyncio.run(live(True))
    for seen in (*alone[1:], *beside[1:]):
        assert [status for status, _, _ in seen] == [200] * seconds, "a neighbour was refused"
    hogs = [status for status, _, _ in beside[0]]
    assert set(hogs) <= {200, 429} and hogs.count(200) <= 5 * (seconds + 1)
    p95 = [percentile([s for seen in run[1:] for _, _, s in seen], 0.95) for run in (alone, beside)]
    report("R6", others=others, seconds=seconds, hog_refused=hogs.count(429),
           p95_ms_alone=round(1000 * p95[0], 1), p95_ms_beside=round(1000 * p95[1], 1))


# O1

def test_servers_that_are_stopped_and_started_under_load_break_no_request(tmp_path):
    """Whoever has sent a request gets its answer: the picture, or 503 with a time to come back."""
    rounds = 3 if SCALE == 1 else SCALE
    seen, key = [], None

    async def client(server, ended):
        while not ended.is_set():
            try:
                status, fields, _ = await send(server, message(server, b'{"prompt": "a red house"}', key))
            except ConnectionRefusedError:  # nothing was sent
                return
            seen.append(status)
            assert status == 200 or (status == 503 and int(fields["retry-after"]) > 0), (status, fields)

    async def one_life(server):
        ended = asyncio.Event()
        clients = [asyncio.create_task(client(server, ended)) for _ in range(8)]
        await asyncio.sleep(0.05 + random.random() * 0.2)
        server.process.terminate()
        at = time.monotonic()
        await asyncio.to_thread(server.process.wait, 30)
        ended.set()
        await asyncio.gather(*clients)
        return time.monotonic() - at

    stops = []
    for _ in range(rounds):
        with Server(tmp_path / "data", *ROOM, grpc="off") as server:
            key = key or server.make_key(*UNLIMITED)["key"]
            stops.append(asyncio.run(one_life(server)))
            assert server.process.returncode == 0
    with Server(tmp_path / "data", *ROOM, grpc="off") as server:
        wait_until(lambda: {"queued", "running"}.isdisjoint(server.job_states()), "the last jobs", 60)
        made = server.query("SELECT count(*) FROM jobs WHERE state = 'succeeded'")[0][0]
        assert made >= seen.count(200) >= rounds
        check_books(server)
    report("O1", stops=rounds, answers=len(seen), told_to_come_back=seen.count(503), made=made,
           longest_stop_s=round(max(stops), 2))


# S8

def test_a_key_that_is_revoked_under_load_opens_nothing_from_then_on(roomy):
    count = 3 if SCALE == 1 else SCALE
    server = roomy()

    async def use(key, seen):
        while not seen or seen[-1][1] != 401:
            at = time.monotonic()
            seen.append((at, (await send(server, quick(server, key)))[0]))

    async def one():
        made = server.make_key(*UNLIMITED)
        seen = [[] for _ in range(8)]
        users = [asyncio.create_task(use(made["key"], row)) for row in seen]
        await asyncio.sleep(0.1)
        await asyncio.to_thread(server.keys, "delete", made["id"])
        deleted = time.monotonic()
        await asyncio.gather(*users)
        assert all(row[0][1] == 200 for row in seen)
        return max(at - deleted for row in seen for at, status in row if status == 200)

    last = max(asyncio.run(one()) for _ in range(count))
    assert last < 0, "a request that began after the deletion was taken"
    report("S8", keys=count, last_taken_began_before_the_deletion_by_s=round(-last, 3))


# S7

def test_no_secret_of_a_key_is_kept_anywhere_in_any_spelling(start_server):
    count = 5 if SCALE == 1 else 10 * SCALE
    server = start_server("--log-level", "debug", "--metrics", "all")
    admin = Person(server, "admin")
    said, keys = [], []
    for i in range(count):
        key = admin.ask("POST", KEYS, name=f"key {i}").json()["apiKey"]
        keys.append(key)
        for headers, path in (
                ({"Authorization": f"Bearer {key}"}, "/v1/api-key"),
                ({"Authorization": f"Bearer {key}"}, "/auth/teams/default/people"),  # not allowed
                ({"Authorization": f"Bearer {key}x"}, "/v1/models"), ({"Authorization": key}, "/v1/models"),
                ({"x-api-key": key}, "/v1/models"), ({}, f"/v1/models?api_key={key}"),
                ({}, f"/v1/{key}"), ({}, f"/{key}/models")):
            said.append(requests.get(server.url + path, headers=headers, timeout=10).text)
    owner = Person(server, "owner")
    said += [owner.ask("GET", path).text
             for path in (KEYS, "/audit/teams/default/events", "/metrics")]
    kept = "".join(said).encode() + b"".join(
        path.read_bytes() for path in sorted(server.data_dir.rglob("*")) if path.is_file())
    for key in keys:
        secret = key.rsplit("_", 1)[1][:43].encode()
        for spelling in (secret, secret.hex().encode(), base64.b64encode(secret)[:56],
                         base64.b64encode(key.encode())[:80]):
            assert spelling not in kept, spelling
    report("S7", secrets=count, bytes_searched=len(kept))


# R9

def drip(slow):
    """Each of them says one more byte a second, one after the other: a process of its own, for what
    it does in between is no time of the server's."""
    begin = time.monotonic()
    for i in itertools.count():
        time.sleep(max(0, begin + i / len(slow) - time.monotonic()))
        with contextlib.suppress(OSError):
            slow[i % len(slow)].send(b"x")


def test_slow_clients_are_let_go_and_hold_up_nobody(roomy):
    """At CI's size they are only met beside the others: each limit of time has its own test in
    tests/api/connection_test.cpp."""
    count = 30 if SCALE == 1 else 50 * SCALE
    seconds = 2 if SCALE == 1 else 40
    server = roomy()
    head = message(server, b"x" * 1000).split(b"\r\n\r\n")[0]
    ways = [head[:40], head + b"\r\n\r\nx",  # a head and a body that hardly go on
            b"GET /openapi.json HTTP/1.1\r\nHost: a\r\n\r\n" * 5]  # replies that nobody reads
    fds = f"/proc/{server.process.pid}/fd"
    base = len(os.listdir(fds))

    def open_slow_ones():
        slow = [socket.socket() for _ in range(count)]
        for i, connection in enumerate(slow):
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            connection.connect(server.address)
            connection.sendall(ways[i % 3])
            connection.setblocking(False)
        return slow

    def live():
        seen = []
        asyncio.run(offered(server, quick(server, None), 20, seconds, seen))
        return seen

    calm = live()
    begin = time.monotonic()
    slow = open_slow_ones()
    wait_until(lambda: len(os.listdir(fds)) > base + 0.9 * count, "their being let in")
    talking = [connection for i, connection in enumerate(slow) if i % 3 < 2]
    dripping = multiprocessing.get_context("fork").Process(target=drip, args=(talking,))
    dripping.start()
    beside = live()
    dripping.terminate()
    dripping.join()
    assert {status for status, _, _ in (*calm, *beside)} == {200}
    if SCALE == 1:
        for connection in slow:
            connection.close()
    wait_until(lambda: len(os.listdir(fds)) <= base + 8, "the end of their connections", 60)
    report("R9", slow=count, gone_after_s=round(time.monotonic() - begin),
           p99_ms_calm=round(1000 * percentile([s for _, _, s in calm], 0.99), 1),
           p99_ms_beside=round(1000 * percentile([s for _, _, s in beside], 0.99), 1))
    for connection in slow:
        connection.close()
