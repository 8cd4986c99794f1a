"""A second worker on the same data: what one cannot do or leaves undone is the other's."""

import contextlib
import os
import subprocess

from program import BINARY, stopped, wait_until
from test_worker import SLOWISH, Background


@contextlib.contextmanager
def another_worker(server, *arguments):
    """`imagined worker`, started by hand on the data of a server."""
    process = subprocess.Popen([str(BINARY), "worker", "--data-dir", str(server.data_dir),
                                *map(str, arguments)], stderr=subprocess.DEVNULL)
    try:
        yield process
    finally:
        process.terminate()
        process.wait(20)


def test_a_worker_leaves_jobs_of_models_that_it_does_not_have_to_others(start_server):
    server = start_server(*SLOWISH)
    with another_worker(server):
        with stopped(wait_until(server.worker_pid, "a worker")):
            slow = Background(server)
            server.wait_for_state("queued")
            # The other one works, and passes over the job before this one.
            assert server.generate(model="grok-imagine-image").status_code == 200
            assert server.job_states() == ["queued", "succeeded"]
        assert slow.reply().status_code == 200


def test_a_model_that_only_another_worker_has_is_served(start_server):
    server = start_server("--set", "models.slow.elsewhere=true")
    request = Background(server)
    server.wait_for_state("queued")
    with another_worker(server, *SLOWISH):
        assert request.reply().status_code == 200
    [(worker,)] = server.query("SELECT worker_id FROM jobs")
    assert not worker.startswith("serve-"), "a child of the server"


def test_a_new_server_leaves_the_job_of_a_living_worker_alone(start_server, tmp_path):
    first = start_server(*SLOWISH, data_dir=tmp_path / "shared")
    with another_worker(first, *SLOWISH):
        with stopped(wait_until(first.worker_pid, "a worker")):
            Background(first)
            first.wait_for_state("running")
            first.process.kill()
            first.process.wait()
        second = start_server(*SLOWISH, data_dir=tmp_path / "shared")
        second.wait_for_state("succeeded")
        [(attempt, worker)] = second.query("SELECT attempt, worker_id FROM jobs")
        assert attempt == 1
        assert not worker.startswith("serve-"), "a child of the server"


def test_a_restart_of_the_server_is_not_held_against_a_job(start_server, tmp_path):
    server = start_server(*SLOWISH, data_dir=tmp_path / "shared")
    Background(server)
    for _ in range(3):
        server.wait_for_state("running")
        server.process.kill()
        server.process.wait()
        server = start_server(*SLOWISH, data_dir=tmp_path / "shared")
    server.wait_for_state("succeeded")
    assert server.query("SELECT attempt FROM jobs") == [(1,)]


def test_what_a_killed_process_left_is_cleared_away(start_server, tmp_path):
    server = start_server(data_dir=tmp_path / "shared")
    folder = server.data_dir / "blobs" / "a"
    old, new = folder / "old.tmp", folder / "new.tmp"
    for file in (old, new):
        file.write_bytes(b"half a picture")
    os.utime(old, (1, 1))
    server.process.terminate()
    server.process.wait(10)
    start_server(data_dir=tmp_path / "shared")
    wait_until(lambda: not old.exists(), "the end of an old file")
    assert new.exists()
