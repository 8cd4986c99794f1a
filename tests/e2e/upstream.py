"""A server with OpenAI's API that says what a test has written for it, byte by byte, and keeps what it was
asked."""

import http.client
import json
import select
import socket
import ssl
import threading

from program import wait_until


def sse(*events):
    return "".join(f"data: {event if isinstance(event, str) else json.dumps(event)}\n\n"
                   for event in events).encode()


class Upstream:
    """`script`: what becomes of each request, in turn; the last of all that follow. An answer is a status,
    headers and pieces, which are sent one by one: bytes; a threading.Event, which is waited for; `HANG_UP`; or
    a function of the body that gives one."""

    HANG_UP = object()

    def __init__(self, *script, certificate=None):
        """With a certificate and its key it speaks TLS."""
        self.tls = None
        if certificate:
            self.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self.tls.load_cert_chain(*certificate)
        self.script = list(script)
        self.requests = []
        self.sent = 0  # bytes of bodies that come in pieces
        self.stalled = threading.Event()  # nobody has read for a while
        self.gone = threading.Event()  # a client has left before its answer was whole
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http{'s' if certificate else ''}://127.0.0.1:{self.listener.getsockname()[1]}/v1"
        self.lock = threading.Lock()
        threading.Thread(target=self.accept, daemon=True).start()

    def close(self):
        self.listener.close()

    def accept(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.talk, args=(connection,), daemon=True).start()

    def talk(self, connection):
        if self.tls:
            try:
                connection = self.tls.wrap_socket(connection, server_side=True)
            except OSError:  # who does not trust it leaves
                return
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with connection, connection.makefile("rb") as incoming:
            while self.answer(connection, incoming):
                pass

    def answer(self, connection, incoming):
        try:
            line = incoming.readline().decode()
        except ConnectionResetError:
            line = ""
        if not line:
            return False
        headers = {}
        while (field := incoming.readline().decode().strip()):
            name, value = field.split(":", 1)
            headers[name.lower()] = value.strip()
        body = incoming.read(int(headers.get("content-length", 0)))
        with self.lock:
            self.requests.append((line.split()[1], headers, body))
            step = self.script.pop(0) if len(self.script) > 1 else self.script[0]
        if callable(step):
            step = step(body)
        if step is self.HANG_UP:
            return False
        status, fields, *pieces = step
        whole = len(pieces) == 1 and isinstance(pieces[0], bytes) and "content-type" in fields \
            and "json" in fields["content-type"]
        frame = {"content-length": len(pieces[0])} if whole else {"transfer-encoding": "chunked"}
        head = "".join(f"{name}: {value}\r\n" for name, value in (fields | frame).items())
        try:
            connection.sendall(f"HTTP/1.1 {status} X\r\n{head}\r\n".encode())
            for piece in pieces:
                if isinstance(piece, threading.Event):
                    self.watch(connection, piece)
                elif piece is self.HANG_UP:
                    return False
                elif whole:
                    connection.sendall(piece)
                else:
                    if not select.select([], [connection], [], 0.5)[1]:
                        self.stalled.set()
                    connection.sendall(b"%x\r\n%s\r\n" % (len(piece), piece))
                    self.sent += len(piece)
            if not whole:
                connection.sendall(b"0\r\n\r\n")
        except OSError:
            self.gone.set()
            return False
        return True

    def watch(self, connection, event):
        """Waits for the event, or for the client to leave."""
        connection.settimeout(0.05)
        while not event.is_set():
            try:
                if not connection.recv(1, socket.MSG_PEEK):
                    raise BrokenPipeError
            except TimeoutError:
                continue
        connection.settimeout(None)


class Beat(threading.Event):
    """Set for who looks a second time: a pause of an answer that goes on."""

    def is_set(self):
        was_set = super().is_set()
        self.set()
        return was_set


def leave(server, path, body, when):
    """Asks, and hangs up when something has happened."""
    connection = http.client.HTTPConnection(server.url.removeprefix("http://"), timeout=60)
    connection.request("POST", path, json.dumps(body), server.headers() | {"content-type": "application/json"})
    wait_until(when, "what is waited for before hanging up")
    connection.close()


def json_answer(body, status=200, **fields):
    return (status, {"content-type": "application/json"} | fields, json.dumps(body).encode())


def stream_answer(*pieces):
    return (200, {"content-type": "text/event-stream"}, *pieces)


def completion(text="hello", usage=None, **fields):
    return {"id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": "there",
            "choices": [{"index": 0, "finish_reason": "stop",
                         "message": {"role": "assistant", "content": text}}],
            "usage": usage or {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15}} | fields


def chunk(text, **fields):
    return {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": "there",
            "choices": [{"index": 0, "delta": {"content": text}, "finish_reason": None}]} | fields
