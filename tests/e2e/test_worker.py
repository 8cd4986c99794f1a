"""Workers that die, clients that go away, queues and disks that are full."""

import concurrent.futures
import os
import resource
import signal
import socket
import threading
import time

import pytest
import requests

from program import PAPERLAND, SLOW, run, wait_until

# Like SLOW, for tests that wait for the end of it.
SLOWISH = ("--set", f"models.slow.path={PAPERLAND}", "--set", "models.slow.steps=20")


class Background:
    """A request under way."""

    def __init__(self, server, **body):
        self.pool = concurrent.futures.ThreadPoolExecutor(1)
        self.future = self.pool.submit(server.generate, model="slow", **body)

    def reply(self, seconds=30):
        return self.future.result(seconds)


@pytest.fixture
def slow_server(start_server):
    return start_server(*SLOW)


def next_picture_is_made(server):
    response = server.generate(model="grok-imagine-image")
    return response.status_code == 200


def test_a_job_outlives_one_worker(start_server):
    server = start_server(*SLOWISH)
    request = Background(server)
    server.wait_for_state("running")
    server.kill_worker()
    response = request.reply()
    assert response.status_code == 200, response.text
    assert server.query("SELECT attempt FROM jobs") == [(2,)]


def test_a_job_that_kills_two_workers_ends_with_an_error(slow_server):
    request = Background(slow_server)
    slow_server.wait_for_state("running")
    first = slow_server.kill_worker()
    wait_until(lambda: slow_server.query("SELECT attempt FROM jobs WHERE state = 'running'")
               == [(2,)], "a second attempt")
    assert slow_server.kill_worker() != first
    response = request.reply()
    assert response.status_code >= 500, response.text
    assert "worker" in response.json()["error"]["message"]
    assert next_picture_is_made(slow_server)


def test_a_client_that_goes_away_cancels_its_job(slow_server):
    connection = socket.create_connection(slow_server.address)
    body = b'{"model":"slow","prompt":"a red house","n":10}'
    connection.sendall(
        b"POST /v1/images/generations HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
        b"Authorization: Bearer " + slow_server.key.encode() +
        b"\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
    slow_server.wait_for_state("running")
    connection.close()
    slow_server.wait_for_state("cancelled")
    begin = time.monotonic()
    assert next_picture_is_made(slow_server)
    assert time.monotonic() - begin < 10, "the cancelled job still held the worker"


def test_a_full_queue_says_so(start_server):
    server = start_server(*SLOWISH, "--queue-limit", 1)
    running = Background(server, n=10)  # is at work until the third has been refused
    server.wait_for_state("running")
    waiting = Background(server)
    server.wait_for_state("queued")
    refused = server.generate()
    assert refused.status_code == 429, refused.text
    assert int(refused.headers["retry-after"]) >= 1
    assert refused.json()["code"] == "resource-exhausted"
    for request in (running, waiting):
        assert request.reply(60).status_code == 200


def test_a_request_that_takes_too_long_ends(start_server):
    server = start_server(*SLOW, "--job-timeout-s", 1)
    response = server.generate(model="slow", n=10)
    assert response.status_code == 504
    assert server.job_states() == ["cancelled"]


def test_a_second_server_on_the_same_data_is_refused(server):
    second = run("serve", "--data-dir", server.data_dir, "--http-listen", "127.0.0.1:0")
    assert second.returncode == 69
    assert "another imagined server" in second.stderr
    assert server.get("/healthz").status_code == 200


def test_a_taken_port_is_named(server, tmp_path):
    host, port = server.address
    second = run("serve", "--data-dir", tmp_path / "other", "--http-listen", f"{host}:{port}")
    assert second.returncode == 69
    assert str(port) in second.stderr


def test_a_full_disk_is_said_and_survived(start_server):
    def small_files():
        # Room for the database and a small picture, not for a large PNG.
        resource.setrlimit(resource.RLIMIT_FSIZE, (900_000, 900_000))

    server = start_server(preexec_fn=small_files)
    response = server.generate(prompt="a red house in the city in the rain", output_format="png",
                               resolution="2k")
    assert response.status_code == 507, response.text
    assert response.json()["code"] == "storage-full"
    assert next_picture_is_made(server)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_stopping_server_finishes_what_it_has(start_server, number):
    server = start_server(*SLOWISH)
    request = Background(server)
    server.wait_for_state("running")
    worker = server.worker_pid()
    server.process.send_signal(number)
    assert request.reply().status_code == 200
    assert server.process.wait(10) == 0
    wait_until(lambda: not os.path.exists(f"/proc/{worker}"), "the end of the worker")


def test_no_worker_outlives_a_killed_server(slow_server):
    worker = wait_until(slow_server.worker_pid, "a worker")
    slow_server.process.kill()
    wait_until(lambda: not os.path.exists(f"/proc/{worker}"), "the end of the worker")


def test_jobs_of_a_killed_server_are_made_by_the_next(start_server, tmp_path):
    first = start_server(*SLOWISH, data_dir=tmp_path / "shared")
    threading.Thread(target=lambda: pytest.raises(requests.ConnectionError, first.generate,
                                                  model="slow"), daemon=True).start()
    first.wait_for_state("running")
    first.process.kill()
    first.process.wait()
    second = start_server(*SLOWISH, data_dir=tmp_path / "shared")
    second.wait_for_state("succeeded")
