"""A hub of models on loopback, with the answers of the real one: the list of a repository, small files from
itself, large ones by a redirect to another server (the CDN), which gives ranges."""

import hashlib
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

COMMIT = "5e67da950fce4a097bc150c22958a05716994cea"
LARGE = 10_000  # bytes from which on a file lies on the CDN


def git_blob(data):
    return hashlib.sha1(f"blob {len(data)}\0".encode() + data).hexdigest()


class Hub:
    """`files`: path to bytes. What goes wrong is set between requests."""

    def __init__(self, name, files, licence="apache-2.0", gated=False):
        self.name, self.files, self.licence, self.gated = name, dict(files), licence, gated
        self.commit = COMMIT
        self.accepted = "hf_accepted"  # the token of somebody who may read what is gated
        self.cuts = []  # after so many bytes of a large file the connection breaks, once each
        self.wrong = {}  # path to the bytes that come in the place of the right ones
        self.ignores_ranges = False
        self.stall = None  # (bytes, event): after so many bytes of a large file wait for the event
        self.stalled = threading.Event()
        self.answers = []  # statuses of the hub's own answers, in turn, before it works
        self.requests = []  # (server, path, headers)
        self.lock = threading.Lock()
        self.servers = [self.serve(self.answer_as_hub), self.serve(self.answer_as_cdn)]
        self.url, self.cdn = (f"http://127.0.0.1:{server.server_address[1]}"
                              for server in self.servers)

    def serve(self, answer):
        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                answer(self)

            def log_message(self, *_):
                pass

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        return server

    def close(self):
        for server in self.servers:
            server.shutdown()
            server.server_close()

    def environment(self, token=None):
        return {"HF_ENDPOINT": self.url, **({"HF_TOKEN": token} if token else {})}

    def note(self, server, request):
        with self.lock:
            self.requests.append((server, request.path, dict(request.headers)))

    def seen(self, server):
        with self.lock:
            return [(path, headers) for which, path, headers in self.requests if which == server]

    @staticmethod
    def send(request, status, body=b"", **fields):
        request.send_response(status)
        for name, value in fields.items():
            request.send_header(name.replace("_", "-"), value)
        request.send_header("Content-Length", str(len(body)))
        request.end_headers()
        request.wfile.write(body)

    def refuse(self, request, status, code):
        self.send(request, status, b'{"error":"no"}', X_Error_Code=code, X_Error_Message="no")

    def listing(self):
        siblings = []
        for path, data in self.files.items():
            entry = {"rfilename": path, "size": len(data), "blobId": git_blob(data)}
            if len(data) >= LARGE:
                entry["lfs"] = {"sha256": hashlib.sha256(data).hexdigest(), "size": len(data),
                                "pointerSize": 134}
            siblings.append(entry)
        return {"id": self.name, "sha": self.commit, "private": False,
                "gated": "auto" if self.gated else False, "tags": [f"license:{self.licence}"],
                "cardData": {"license": self.licence}, "siblings": siblings}

    def answer_as_hub(self, request):
        self.note("hub", request)
        path = request.path.split("?")[0]
        if self.answers:
            return self.send(request, self.answers.pop(0))
        if path.startswith("/api/models/"):
            if path == f"/api/models/{self.name}/revision/main" and request.path.endswith("?blobs=true"):
                return self.send(request, 200, json.dumps(self.listing()).encode())
            if path.startswith(f"/api/models/{self.name}/"):
                return self.refuse(request, 404, "RevisionNotFound")
            return self.refuse(request, 401, "RepoNotFound")
        prefix = f"/{self.name}/resolve/{self.commit}/"
        if not path.startswith(prefix) or path.removeprefix(prefix) not in self.files:
            return self.refuse(request, 404, "EntryNotFound")
        token = request.headers.get("Authorization", "").removeprefix("Bearer ")
        if self.gated and token != self.accepted:
            return self.refuse(request, 403 if token else 401, "GatedRepo")
        path = path.removeprefix(prefix)
        data = self.files[path]
        if len(data) < LARGE:
            data = self.wrong.get(path, data)
            return self.send(request, 200, data, X_Repo_Commit=self.commit, ETag=f'"{git_blob(data)}"')
        digest = hashlib.sha256(data).hexdigest()
        return self.send(request, 302, b"Found", Location=f"{self.cdn}/{path}?sign={'s' * 700}",
                         X_Repo_Commit=self.commit, X_Linked_Size=str(len(data)),
                         X_Linked_ETag=f'"{digest}"', ETag='"of-the-redirect"')

    def answer_as_cdn(self, request):
        self.note("cdn", request)
        path = request.path.split("?")[0].removeprefix("/")
        data = self.wrong.get(path, self.files[path])
        start = 0
        wanted = request.headers.get("Range")
        if wanted and not self.ignores_ranges:
            start = int(wanted.removeprefix("bytes=").removesuffix("-"))
            request.send_response(206)
            request.send_header("Content-Range", f"bytes {start}-{len(data) - 1}/{len(data)}")
        else:
            request.send_response(200)
        request.send_header("Content-Length", str(len(data) - start))
        request.send_header("ETag", '"of-the-cdn"')
        request.end_headers()
        body = data[start:]
        with self.lock:
            cut = self.cuts.pop(0) if self.cuts else None
        if cut is not None:
            request.wfile.write(body[:cut])
            request.wfile.flush()
            request.close_connection = True
            return
        if self.stall:
            count, event = self.stall
            request.wfile.write(body[:count])
            request.wfile.flush()
            self.stalled.set()
            event.wait()
            body = body[count:]
        try:
            request.wfile.write(body)
        except OSError:
            pass
