"""What the process around the server does: signals, limits, rights of files."""

import functools
import os
import resource
import select
import signal
import socket
import stat
import subprocess

import pytest
import requests

from program import BINARY, PROMPT, run, wait_until
from test_worker import SLOWISH, Background


def test_ctrl_c_in_a_terminal_leaves_the_worker_its_work(start_server):
    server = start_server(*SLOWISH, preexec_fn=os.setpgrp)
    request = Background(server)
    server.wait_for_state("running")
    os.killpg(server.process.pid, signal.SIGINT)  # a terminal tells the whole group
    assert request.reply().status_code == 200
    assert server.process.wait(10) == 0
    log = server.log_text()
    assert " error " not in log
    assert "again Ctrl-C ends at once" in log


def test_a_signal_that_means_something_else_to_other_servers_ends_nothing_and_is_told(start_server):
    server = start_server()
    for sent in (signal.SIGUSR1, signal.SIGUSR2, signal.SIGWINCH, signal.SIGPIPE):
        server.process.send_signal(sent)
    for name in ("SIGUSR1", "SIGUSR2"):
        wait_until(lambda: f"signal_ignored signal={name}" in server.log_text(), "the line of the log")
    assert server.get("/v1/models").status_code == 200


def test_the_end_of_its_terminal_ends_a_server_as_ctrl_c_does_but_not_under_nohup(start_server):
    server = start_server()
    server.process.send_signal(signal.SIGHUP)
    assert server.process.wait(20) == 0
    assert "stopped" in server.log_text()
    kept = start_server(preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN))
    kept.process.send_signal(signal.SIGHUP)
    kept.process.send_signal(signal.SIGUSR1)  # comes after it
    wait_until(lambda: "signal_ignored" in kept.log_text(), "the line of the log")
    assert kept.get("/v1/models").status_code == 200


def test_a_log_that_nobody_reads_any_more_ends_nothing(tmp_path):
    server = subprocess.Popen(
        [str(BINARY), "serve", "--data-dir", str(tmp_path), "--http-listen", "127.0.0.1:0",
         "--log-level", "debug"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    try:
        url = server.stdout.readline().decode().split('"http":"')[1].split('"')[0]
        server.stderr.close()
        for _ in range(2):  # each is a line in the log
            assert requests.get(f"{url}/v1/models", timeout=10).status_code == 401
        assert server.poll() is None
    finally:
        server.terminate()
        server.stdout.close()
        assert server.wait(10) == 0


def test_a_dead_worker_is_noticed_though_children_are_ignored(start_server):
    server = start_server(preexec_fn=lambda: signal.signal(signal.SIGCHLD, signal.SIG_IGN))
    first = wait_until(server.worker_pid, "a worker")
    os.kill(first, signal.SIGKILL)
    wait_until(lambda: server.worker_pid() not in (None, first), "another worker")
    assert server.generate().status_code == 200


def open_files_limits(process):
    with open(f"/proc/{process.pid}/limits", encoding="utf-8") as limits:
        (row,) = [line.split() for line in limits if line.startswith("Max open files")]
    return int(row[3]), int(row[4])


def test_the_limit_of_open_files_is_raised_and_kept_to(start_server):
    server = start_server(
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (96, 512)))
    assert open_files_limits(server.process) == (512, 512)
    assert "connections_limited connections_max=356" in server.log_text()


def test_refused_connections_leave_the_server_what_it_needs(start_server):
    server = start_server(
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (96, 96)))
    with requests.Session() as session:
        session.headers = server.headers()
        ask = functools.partial(session.post, f"{server.url}/v1/images/generations", timeout=30)
        assert ask(json={"prompt": PROMPT}).status_code == 200
        crowd = [socket.create_connection(server.address, timeout=10) for _ in range(200)]
        try:
            for prompt in (PROMPT, PROMPT + " in snow"):
                assert ask(json={"prompt": prompt}).status_code == 200
        finally:
            for connection in crowd:
                connection.close()
    wait_until(lambda: server.get("/healthz").status_code == 200, "room again")
    assert server.generate().status_code == 200
    log = server.log_text()
    assert "accept_failed" not in log
    assert log.count("clients_dropped") == 1


def test_want_of_descriptors_is_said_once_and_ends_with_it(start_server):
    server = start_server()
    limit = open_files_limits(server.process)
    held = set(map(int, os.listdir(f"/proc/{server.process.pid}/fd")))
    lowest_free = min(set(range(len(held) + 1)) - held)
    resource.prlimit(server.process.pid, resource.RLIMIT_NOFILE, (lowest_free, limit[1]))
    with socket.create_connection(server.address, timeout=10) as client:
        client.sendall(b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n")
        assert not select.select([client], [], [], 0.5)[0]
        resource.prlimit(server.process.pid, resource.RLIMIT_NOFILE, limit)
        assert client.recv(100).startswith(b"HTTP/1.1 200")
    assert server.log_text().count("accept_failed") == 1


def leave_memory(process, more):
    """So many bytes more than the process has; a thread takes several million."""
    with open(f"/proc/{process.pid}/status", encoding="utf-8") as status:
        (size,) = [int(line.split()[1]) for line in status if line.startswith("VmSize")]
    resource.prlimit(process.pid, resource.RLIMIT_AS,
                     (size * 1024 + more, resource.RLIM_INFINITY))


def test_a_server_that_is_stopped_short_of_memory_ends_in_order(start_server):
    server = start_server("--drain-s", "1")
    with socket.create_connection(server.address, timeout=10):
        leave_memory(server.process, 2 << 20)
        server.process.terminate()
        assert server.process.wait(10) == 0
    log = server.log_text()
    assert " stopping waits_at_most_s=1 " in log
    assert " stopped" in log


def test_a_worker_is_started_again_when_there_is_memory_for_it(start_server):
    server = start_server()
    leave_memory(server.process, 0)
    server.kill_worker()
    wait_until(lambda: "worker_not_started" in server.log_text(), "a start in vain")
    resource.prlimit(server.process.pid, resource.RLIMIT_AS,
                     (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    wait_until(lambda: server.get("/readyz").status_code == 200, "another worker")
    assert server.generate().status_code == 200


@pytest.mark.parametrize("before", [0o755, 0o777])
def test_what_is_kept_is_for_its_owner_whatever_the_folder_allows(start_server, tmp_path, before):
    folder = tmp_path / "volume"
    folder.mkdir()
    folder.chmod(before)
    start_server(data_dir=folder).generate()
    for path in [folder / "imagined.db", *(folder / "blobs").rglob("*"), folder / "blobs"]:
        assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0, path


def test_keys_and_workers_make_no_second_store_by_mistake(tmp_path):
    for command in (["keys", "create"], ["keys", "list"], ["worker"]):
        result = run(*command, "--data-dir", tmp_path / "nowhere")
        assert result.returncode == 66, result.stderr
        assert "no server has kept anything here" in result.stderr
        assert not (tmp_path / "nowhere").exists()
    made = run("keys", "create", "--create", "--data-dir", tmp_path / "new")
    assert made.returncode == 0, made.stderr
    assert str(tmp_path / "new") in made.stderr


def test_a_port_that_is_taken_is_said_with_a_way_out(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = "127.0.0.1:%d" % taken.getsockname()[1]
        done = run("serve", "--data-dir", tmp_path, "--http-listen", address)
    assert done.returncode == 69
    assert f"cannot listen on {address}: Address already in use; http_listen takes another" in done.stderr
