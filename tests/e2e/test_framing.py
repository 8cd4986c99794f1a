"""Messages that two programs could read in two ways (reliability.md 3.1), byte by byte."""

import socket

import pytest

HOST = b"Host: a\r\n"


class Wire:
    def __init__(self, server):
        self.socket = socket.create_connection(server.address, timeout=5)
        self.file = self.socket.makefile("rb")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.file.close()
        self.socket.close()

    def send(self, data):
        self.socket.sendall(data)

    def reply(self):
        """Status and body of the next reply; none at the end of the connection."""
        line = self.file.readline()
        if not line:
            return None
        length = 0
        while (field := self.file.readline().strip()):
            name, value = field.split(b":", 1)
            if name.lower() == b"content-length":
                length = int(value)
        return int(line.split()[1]), self.file.read(length)


def one_reply(server, data):
    with Wire(server) as wire:
        wire.send(data)
        status, _ = wire.reply()
        return status, wire.reply()


@pytest.mark.parametrize("data, status", [
    (b"POST /v1/models HTTP/1.1\r\n" + HOST +
     b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
    (b"GET /healthz HTTP/1.1\r\n" + HOST + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\nab", 400),
    (b"GET /healthz HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: xchunked\r\n\r\n", 501),
    (b"GET /healthz HTTP/1.1\r\n" + HOST + b"X: a\r\n b\r\n\r\n", 400),
    (b"GET /healthz HTTP/1.1\r\n\r\n", 400),
    (b"GET /healthz HTTP/1.1\r\nHost: a/?x\r\n\r\n", 400),
    (b"GET /healthz HTTP/3.0\r\n" + HOST + b"\r\n", 505),
    (b"GET /healthz HTTP/1.1\r\n" + HOST + b"X: " + b"a" * 17_000 + b"\r\n\r\n", 431),
    (b"GET /healthz HTTP/1.1\r\n" + HOST + b"X: y\r\n" * 101 + b"\r\n", 431),
    (b"GET /" + b"a" * 9_000 + b" HTTP/1.1\r\n" + HOST + b"\r\n", 414),
    (b"CONNECT a:443 HTTP/1.1\r\n" + HOST + b"\r\n", 400),
    (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505),
    (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 400),
], ids=["both lengths", "two lengths", "coding", "folded", "no host", "host", "version",
        "large head", "many fields", "long line", "connect", "http2", "tls"])
def test_a_broken_head_ends_the_connection(server, data, status):
    assert one_reply(server, data) == (status, None)


def chunked(body):
    return (b"GET /healthz HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked\r\n\r\n" + body)


@pytest.mark.parametrize("body", [
    b"FFFFFFFFFFFFFFFF\r\n", b"-1\r\n", b"0x5\r\nabcde\r\n0\r\n\r\n", b"5\nabcde\n0\n\n",
    b"12345678901234567\r\n", b"5;" + b"x" * 1000 + b"\r\nabcde\r\n0\r\n\r\n",
    b"5\r\nabcdeXX0\r\n\r\n",
], ids=["huge", "negative", "prefix", "bare line feed", "17 digits", "extension", "no line end"])
def test_broken_chunks_end_the_connection(server, body):
    status, after = one_reply(server, chunked(body))
    assert status in (400, 413)
    assert after is None


def test_a_body_that_no_route_wants_is_read_away(server):
    with Wire(server) as wire:
        wire.send(b"GET /healthz HTTP/1.1\r\n" + HOST + b"Content-Length: 36\r\n\r\n" +
                  b"GET /v1/models HTTP/1.1\r\nHost: a\r\n\r\n"
                  b"GET /healthz HTTP/1.1\r\n" + HOST + b"Connection: close\r\n\r\n")
        assert wire.reply()[0] == 200
        assert wire.reply()[0] == 200
        assert wire.reply() is None


def test_pipelined_requests_are_answered_in_order(server):
    with Wire(server) as wire:
        wire.send((b"GET /healthz HTTP/1.1\r\n" + HOST + b"\r\n" +
                   b"GET /nothing HTTP/1.1\r\n" + HOST + b"\r\n") * 20)
        assert [wire.reply()[0] for _ in range(40)] == [200, 404] * 20


def test_an_empty_line_before_a_request_is_skipped(server):
    with Wire(server) as wire:
        wire.send(b"\r\nGET /healthz HTTP/1.1\r\n" + HOST + b"\r\n")
        assert wire.reply()[0] == 200


@pytest.mark.parametrize("path", [
    "/v1//images/generations", "/v1/images/../images/generations", "/v1/images/%67enerations",
    "/v1/images/generations;x=1", "/v1/images/generations/"])
def test_a_detour_leads_nowhere(server, path):
    status, _ = one_reply(server, f"POST {path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
                          .encode())
    assert status in (404, 405)  # what is not "generations" could be the name of a request


def post_head(server, extra):
    return (f"POST /v1/images/generations HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer "
            f"{server.key}\r\nContent-Type: application/json\r\n{extra}\r\n").encode()


def test_a_huge_body_is_refused_before_it_is_sent(server):
    head = post_head(server, "Expect: 100-continue\r\nContent-Length: 1000000000\r\n")
    assert one_reply(server, head) == (413, None)


def test_an_expected_body_is_asked_for(server):
    with Wire(server) as wire:
        wire.send(post_head(server, "Expect: 100-continue\r\nContent-Length: 2\r\n"))
        assert wire.reply()[0] == 100
        wire.send(b"{}")
        assert wire.reply()[0] == 400


def test_a_body_that_ends_early_is_refused(server):
    with Wire(server) as wire:
        wire.send(post_head(server, "Content-Length: 100\r\n") + b'{"prompt":')
        wire.socket.shutdown(socket.SHUT_WR)
        assert wire.reply()[0] == 400


def test_without_a_key_a_large_body_is_not_awaited(server):
    data = (b"POST /v1/images/generations HTTP/1.1\r\n" + HOST +
            b"Content-Type: application/json\r\nContent-Length: 30000000\r\n\r\n")
    assert one_reply(server, data) == (401, None)


def test_a_client_that_sends_on_still_reads_the_refusal(server):
    with Wire(server) as wire:
        wire.send(post_head(server, "Content-Length: 3000000\r\n") + b" " * 3_000_000)
        assert wire.reply()[0] == 413
