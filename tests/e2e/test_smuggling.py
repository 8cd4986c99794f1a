"""Requests that two programs could take apart in two ways, sent to us alone and through the proxies that
stand before most servers (reliability.md S14): who counts the requests differently serves one client the
answer of another.

Each message carries a second request where only one of the two readings has it. Directly it is refused and
the connection closed; through a proxy we see exactly the requests that the proxy has seen.
"""

import contextlib
import itertools
import re
import shutil
import socket
import subprocess

import pytest

from program import Server, wait_until

SECOND = b"GET /v1/second HTTP/1.1\r\nHost: a\r\n\r\n"
CHUNKED = b"0\r\n\r\n" + SECOND
LENGTHS = [b"Content-Length: +%d", b"Content-Length: -%d", b"Content-Length: 0x%x",
           b"Content-Length: %d, %d", b"Content-Length: %d,1", b"Content-Length: %d\r\nContent-Length: %d",
           b"Content-Length: %d\r\nContent-Length: 1", b"Content-Length : %d", b"Content-Length: \x0b%d",
           b"Content-Length: %d_", b"Content-Length:\r\n %d", b"Content-Length: %d\x00",
           b"Content\x00-Length: %d", b"Content-Length: \"%d\""]
CODINGS = [b"Transfer-Encoding: xchunked", b"Transfer-Encoding: chunked, chunked",
           b"Transfer-Encoding: identity", b"Transfer-Encoding: chunked, identity",
           b"Transfer-Encoding: gzip, chunked", b"Transfer-Encoding: chunked\x0b",
           b"Transfer-Encoding:\x0bchunked", b"Transfer-Encoding : chunked",
           b"Transfer-Encoding: \"chunked\"", b"Transfer-Encoding:\r\n chunked",
           b"X: y\nTransfer-Encoding: chunked", b"X: y\rTransfer-Encoding: chunked",
           b"Transfer-Encoding: chunked\x00", b"Transfer-Encoding: chunked;q=1",
           b"Transfer-Encoding: chunked\r\nTransfer-Encoding: identity"]
CHUNKS = [b"+5\r\nabcde\r\n", b"-1\r\n", b"0x5\r\nabcde\r\n", b"5 \r\nabcde\r\n", b"5\nabcde\n",
          b"5;\nx\r\nabcde\r\n", b"00000000000000005\r\nabcde\r\n", b"FFFFFFFFFFFFFFFF\r\n", b"5\r\nabcdeX0\r\n",
          b"g\r\n", b"5\r\rabcde\r\n", b"5;a\x00\r\nabcde\r\n", b"\r\n", b" 5\r\nabcde\r\n"]
METHODS = [b"POST", b"GET"]


def head(method, *fields):
    return b"\r\n".join([method + b" /healthz HTTP/1.1", b"Host: a", *fields]) + b"\r\n\r\n"


def messages():
    for method in METHODS:
        for length in LENGTHS:
            places = length.count(b"%d") + length.count(b"%x")
            yield head(method, length % ((len(SECOND),) * places)) + SECOND
        for coding in CODINGS:
            yield head(method, coding) + CHUNKED
            yield head(method, coding, b"Content-Length: %d" % len(CHUNKED)) + CHUNKED
            yield head(method, b"Content-Length: 5", coding) + CHUNKED
        for both in itertools.permutations([b"Transfer-Encoding: chunked", b"Content-Length: 5"]):
            yield head(method, *both) + CHUNKED
        for chunk in CHUNKS:
            yield head(method, b"Transfer-Encoding: chunked") + chunk + CHUNKED


def exchange(address, message):
    """All that is answered until the connection is closed, and whether it was."""
    answer = b""
    with socket.create_connection(address, timeout=1) as connection:
        with contextlib.suppress(ConnectionError):
            connection.sendall(message)
        try:
            while data := connection.recv(65536):
                answer += data
        except ConnectionError:
            pass
        except TimeoutError:
            return answer, False
    return answer, True


def test_what_could_be_read_in_two_ways_ends_the_connection(server):
    all_messages = list(messages())
    assert len(all_messages) >= 150
    for message in all_messages:
        answer, closed = exchange(server.address, message)
        statuses = re.findall(rb"HTTP/1\.1 (\d+) ", answer)
        # 405: the head could be read, the body not.
        assert closed and statuses in ([b"400"], [b"405"], [b"413"], [b"501"]), (message, answer)
    assert "/v1/second" not in server.log_text()


def nginx(folder, port, upstream):
    (folder / "nginx.conf").write_text(f"""
daemon off; master_process off; worker_processes 1; pid {folder}/pid; error_log {folder}/errors;
events {{ worker_connections 512; }}
http {{
  access_log off;
  {" ".join(f"{kind}_temp_path {folder}/{kind};" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))}
  log_format forwarded "$request_uri $upstream_status";
  upstream app {{ server {upstream}; keepalive 4; }}
  server {{
    listen 127.0.0.1:{port};
    access_log {folder}/seen forwarded;
    location / {{ proxy_pass http://app; proxy_http_version 1.1; proxy_set_header Connection "";
                 proxy_set_header Host $http_host; }}
  }}
}}
""")
    return ["-p", str(folder), "-c", str(folder / "nginx.conf")]


def haproxy(folder, port, upstream):
    (folder / "haproxy.cfg").write_text(f"""
global
  log stdout format raw local0
defaults
  mode http
  log global
  log-format "%HU %[status]"
  timeout connect 5s
  timeout client 5s
  timeout server 5s
  option http-keep-alive
  http-reuse always
frontend in
  bind 127.0.0.1:{port}
  http-response set-var(txn.forwarded) int(1)
  log-format "%HU %[var(txn.forwarded)]"
  default_backend app
backend app
  server app {upstream}
""")
    return ["-f", str(folder / "haproxy.cfg")]


@contextlib.contextmanager
def proxy(program, configure, folder, upstream):
    """Its address, and how many requests it has sent on by its own log."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    arguments = configure(folder, port, upstream)
    with open(folder / "out", "wb") as out:
        process = subprocess.Popen([program, *arguments], stdout=out, stderr=subprocess.STDOUT)
    try:
        def is_there():
            with contextlib.suppress(ConnectionError), socket.create_connection(("127.0.0.1", port)):
                return True
            assert process.poll() is None, (folder / "out").read_text()
            return False
        wait_until(is_there, "the proxy")

        def seen():
            log = folder / ("seen" if (folder / "seen").exists() else "out")
            return [line.split()[0] for line in log.read_text().splitlines()
                    if re.fullmatch(r"/\S* [1-9]\d*", line)]
        yield ("127.0.0.1", port), seen
    finally:
        process.terminate()
        process.wait()


@pytest.mark.parametrize("name, configure", [("nginx", nginx), ("haproxy", haproxy)])
def test_behind_a_proxy_both_count_the_same_requests(name, configure, start_server, tmp_path):
    program = shutil.which(name, path="/usr/sbin:/usr/local/sbin:/usr/bin")
    if program is None:
        pytest.skip(f"{name} is not installed")
    server: Server = start_server("--log-level", "debug")
    upstream = server.url.removeprefix("http://")
    with proxy(program, configure, tmp_path, upstream) as (address, seen):
        for message in messages():
            exchange(address, message + b"GET /healthz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")

        def ours():
            return re.findall(r'method=\w+ path="([^"]*)" status=', server.log_text())
        assert exchange(address, b"GET /v1/last HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")[0]
        wait_until(lambda: "/v1/last" in seen() and "/v1/last" in ours(), "both logs")
        assert sorted(ours()) == sorted(seen()) and len(seen()) > 2
