#!/usr/bin/env bash
# Told by a server to calm down (GOAWAY, ENHANCE_YOUR_CALM), gRPC opens the next connection at once, again and
# again, for as long as the call may take.
#
# Seen with grpcio 1.85.3. A server that is full answers a new connection as HTTP/2 has it: SETTINGS, then
# GOAWAY with ENHANCE_YOUR_CALM and the reason. The client takes the SETTINGS for a connection that works,
# forgets its backoff (a second, then longer), and dials anew: a hundred times a second and more, and the
# call ends in DEADLINE_EXCEEDED without the reason. Closed without SETTINGS, the same client dials once or twice
# and says UNAVAILABLE.
#
# Why it matters: the polite refusal makes a full server fuller, with a handshake for each round. A limit of
# connections must close instead, and say why in the server's own log.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/lib/python.sh"

with_packages grpcio==1.85.3 <<'PY'
import os
import socket
import threading

os.environ["GRPC_VERBOSITY"] = "NONE"  # a line for each refusal
import grpc  # noqa: E402

REASON = b"all connections of this server are in use"
SETTINGS = bytes(3) + b"\x04" + bytes(5)
GOAWAY = ((8 + len(REASON)).to_bytes(3, "big") + b"\x07" + bytes(5)  # of stream 0
          + bytes(4) + (11).to_bytes(4, "big") + REASON)  # no call was taken; 11: ENHANCE_YOUR_CALM


def asked(farewell):
    """How often a client dials within five seconds, and what its call ends with."""
    listener = socket.create_server(("127.0.0.1", 0))
    dialled = 0

    def turn_away():
        nonlocal dialled
        while True:
            try:
                client, _ = listener.accept()
                dialled += 1
                with client:
                    client.recv(24)  # the preface
                    client.sendall(farewell)
                    client.shutdown(socket.SHUT_WR)
                    while client.recv(4096):
                        pass
            except OSError:
                if listener.fileno() < 0:
                    return

    threading.Thread(target=turn_away, daemon=True).start()
    with grpc.insecure_channel(f"127.0.0.1:{listener.getsockname()[1]}") as channel:
        try:
            channel.unary_unary("/a.B/C")(b"", timeout=5)
            raise AssertionError("answered?")
        except grpc.RpcError as error:
            print(f"{dialled} connections, {error.code()}: {error.details()}")
            seen = dialled, error
    listener.close()
    return seen


dialled, error = asked(SETTINGS + GOAWAY)
assert dialled > 20
assert error.code() == grpc.StatusCode.DEADLINE_EXCEEDED
assert REASON.decode() not in error.details()

dialled, error = asked(b"")
assert dialled <= 3
assert error.code() == grpc.StatusCode.UNAVAILABLE
PY
