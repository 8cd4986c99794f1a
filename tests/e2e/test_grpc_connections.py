"""What a connection of gRPC may do beside its calls, told by frames that no client sends (RFC 9113)."""

import itertools
import signal
import socket
import time

import pytest
import requests

from program import wait_until

grpc = pytest.importorskip("grpc", reason="grpcio is not installed")
xai_sdk = pytest.importorskip("xai_sdk", reason="the xai-sdk package is not installed")

DATA, HEADERS, PRIORITY, RESET, SETTINGS, PING, GOAWAY, WINDOW_UPDATE, CONTINUATION = (
    0, 1, 2, 3, 4, 6, 7, 8, 9)
END_HEADERS = 4
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
GROWTH_MAX_KIB = 64 << 10


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    from program import Server
    with Server(tmp_path_factory.mktemp("grpc")) as running:
        yield running


def frame(kind, flags=0, stream=0, payload=b""):
    return (len(payload).to_bytes(3, "big") + bytes([kind, flags]) + stream.to_bytes(4, "big")
            + payload)


def literal(name, value, first=0):
    """A header as HPACK writes it without its tables; first = 0x40 keeps it in them."""
    def text(word):
        length = len(word)
        if length < 127:
            return bytes([length]) + word
        rest, more = length - 127, b""
        while rest >= 128:
            more += bytes([rest % 128 + 128])
            rest //= 128
        return b"\x7f" + more + bytes([rest]) + word
    return bytes([first]) + text(name) + text(value)


CALL = (literal(b":method", b"POST") + literal(b":scheme", b"http")
        + literal(b":path", b"/xai_api.Models/ListImageGenerationModels")
        + literal(b":authority", b"localhost") + literal(b"content-type", b"application/grpc")
        + literal(b"te", b"trailers"))


def opened(server):
    host, port = server.grpc.split(":")
    connection = socket.create_connection((host, int(port)), timeout=10)
    connection.sendall(PREFACE + frame(SETTINGS))
    return connection


def sent_until_closed(connection, pieces, limit=40_000):
    """How many pieces were taken, or None: the connection is still open after them all."""
    count = 0
    connection.settimeout(10)
    try:
        for piece in itertools.islice(pieces, limit):
            connection.sendall(piece)
            count += 1
        while connection.recv(1 << 16):
            pass
        return count
    except (ConnectionError, BrokenPipeError):
        return count
    except TimeoutError:
        return None


def streams():
    return itertools.count(1, 2)


FLOODS = {
    "calls that are given up at once": lambda: (
        frame(HEADERS, END_HEADERS, stream, CALL) + frame(RESET, 0, stream, b"\0\0\0\x08")
        for stream in streams()),
    "calls that the server is made to give up": lambda: (
        frame(HEADERS, END_HEADERS, stream, CALL) + frame(WINDOW_UPDATE, 0, stream, bytes(4))
        for stream in streams()),
    "a header block without an end": lambda: itertools.chain(
        [frame(HEADERS, 0, 1, CALL)], itertools.repeat(frame(CONTINUATION, 0, 1, b"\0" * 0))),
    "settings": lambda: itertools.repeat(frame(SETTINGS)),
    "pings": lambda: itertools.repeat(frame(PING, 0, 0, bytes(8))),
    "priorities": lambda: itertools.repeat(frame(PRIORITY, 0, 1, b"\0\0\0\x03\x10")),
    "empty data": lambda: itertools.chain(
        [frame(HEADERS, END_HEADERS, 1, CALL)], itertools.repeat(frame(DATA, 0, 1))),
    "window updates": lambda: itertools.repeat(frame(WINDOW_UPDATE, 0, 0, b"\0\0\0\x01") * 10),
    "frames that nobody knows": lambda: itertools.repeat(frame(200, 0, 0, b"?")),
}


@pytest.mark.parametrize("flood", FLOODS)
def test_a_flood_ends_its_connection_and_nothing_else(server, flood):
    assert listed_models(server)
    before = server.memory_kib()
    with opened(server) as connection:
        taken = sent_until_closed(connection, FLOODS[flood]())
    assert taken is not None
    assert server.memory_kib() - before <= GROWTH_MAX_KIB
    assert listed_models(server)


def test_headers_that_unfold_to_much_cost_no_memory(server):
    before = server.memory_kib()
    kept = literal(b"x-kept", b"k" * 3_900, first=0x40)
    with opened(server) as connection:
        sent_until_closed(connection, [
            frame(HEADERS, END_HEADERS, 1, CALL + kept),
            *(frame(HEADERS, END_HEADERS, stream, CALL + b"\xbe" * 10_000)
              for stream in range(3, 103, 2))])
    assert server.memory_kib() - before <= GROWTH_MAX_KIB
    assert listed_models(server)


def test_after_floods_the_server_is_idle(server):
    for flood in FLOODS.values():
        with opened(server) as connection:
            sent_until_closed(connection, flood(), limit=2_000)
    time.sleep(2)  # the promise: idle again within so long
    before = server.cpu_seconds()
    time.sleep(1)
    assert server.cpu_seconds() - before < 0.3


def test_a_client_that_does_not_begin_is_let_go(server):
    host, port = server.grpc.split(":")
    with socket.create_connection((host, int(port)), timeout=30) as connection:
        connection.sendall(PREFACE[:5])
        assert connection.recv(1) == b""


def test_rest_on_the_port_of_grpc_is_told_the_other_port(server):
    reply = requests.get(f"http://{server.grpc}/v1/models", timeout=10)
    assert reply.status_code == 400
    assert "gRPC" in reply.text and "--http-listen" in reply.text


def listed_models(server, key=None):
    client = xai_sdk.Client(api_key=key or server.key,
                            api_host="localhost:" + server.grpc.split(":")[1])
    return client.models.list_image_generation_models()


def healthy(channel):
    return channel.unary_unary("/grpc.health.v1.Health/Check")(b"", timeout=5)


def test_more_connections_than_are_allowed_are_closed_until_one_has_gone(start_server):
    server = start_server("--connections-max", "10")  # a tenth as many of gRPC
    with opened(server) as first:
        assert first.recv(9)
        with pytest.raises(grpc.RpcError) as caught:
            with grpc.insecure_channel(server.grpc) as channel:
                healthy(channel)
        assert caught.value.code() == grpc.StatusCode.UNAVAILABLE
        assert "all 1 connections of this server are in use" in server.log_text()

    def is_served():
        try:
            with grpc.insecure_channel(server.grpc) as channel:
                return healthy(channel)
        except grpc.RpcError:
            return None
    assert wait_until(is_served, "a place among the connections")


def test_the_log_and_the_metrics_know_the_clients(server):
    with grpc.insecure_channel(server.grpc) as channel:
        healthy(channel)
        assert "imagined_grpc_connections 1\n" in requests.get(f"{server.url}/metrics").text
    listed_models(server)
    assert "client=127.0.0.1 method=/xai_api.Models/ListImageGenerationModels" in server.log_text()


def test_a_large_reply_does_not_delay_the_end_of_the_server(start_server):
    server = start_server()
    client = xai_sdk.Client(api_key=server.key, api_host="localhost:" + server.grpc.split(":")[1])
    kept = client.files.upload(bytes(4 << 20), filename="large.bin")
    assert len(client.files.content(kept.id)) == 4 << 20
    client.close()
    server.process.send_signal(signal.SIGTERM)
    assert server.process.wait(5) == 0


def test_a_client_that_reads_nothing_has_no_longer_than_the_server_grants(start_server):
    server = start_server("--drain-s", "1")
    client = xai_sdk.Client(api_key=server.key, api_host="localhost:" + server.grpc.split(":")[1])
    kept = client.files.upload(bytes(24 << 20), filename="large.bin")
    client.close()
    call = (literal(b":method", b"POST") + literal(b":scheme", b"http")
            + literal(b":path", b"/xai_api.Files/RetrieveFileContent")
            + literal(b":authority", b"localhost") + literal(b"content-type", b"application/grpc")
            + literal(b"te", b"trailers")
            + literal(b"authorization", b"Bearer " + server.key.encode()))
    message = b"\x0a" + bytes([len(kept.id)]) + kept.id.encode()
    room = (2**31 - 1 - 65_535).to_bytes(4, "big")
    with opened(server) as connection:
        connection.sendall(frame(SETTINGS, 0, 0, b"\0\4" + (2**31 - 1).to_bytes(4, "big"))
                           + frame(WINDOW_UPDATE, 0, 0, room) + frame(HEADERS, END_HEADERS, 1, call)
                           + frame(DATA, 1, 1, b"\0" + len(message).to_bytes(4, "big") + message))
        wait_until(lambda: "imagined_grpc_connections 1\n"
                   in requests.get(f"{server.url}/metrics").text, "the call")
        server.process.send_signal(signal.SIGTERM)
        assert server.process.wait(10) == 0
