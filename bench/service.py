#!/usr/bin/env python3
"""Measures the service with an engine that answers at once (bench/instant.cpp, bench/load.cpp).

    bench/service.py build/release/bench [--seconds 5] [--data-dir FOLDER] [--only WORD]

Prints one line of JSON a scenario. The data folder should lie on the disk that is to be measured:
a durable picture costs waits for it; a folder in /dev/shm shows what all but the disk costs.
"""

import argparse
import json
import pathlib
import resource
import socket
import subprocess
import tempfile
import time
import urllib.parse

# Nothing may be refused: it is the work that is measured.
MODELS = pathlib.Path(__file__).resolve().parents[1] / "models"  # found, but not loaded
ROOM = (f"--models-dir={MODELS}", "--rate-per-second=1000000", "--rate-per-minute=60000000", "--in-flight-max=100000",
        "--queue-limit=100000", "--connections-max=20000", "--log-level=warn",
        "--grpc-listen=127.0.0.1:0")
WRONG_KEY = "img_aaaaaaaaaaaa_" + "b" * 49
PICTURE = json.dumps({"model": "grok-imagine-image", "prompt": "a red house #"})
SAME_PICTURE = PICTURE.replace(" #", "")


class Server:
    def __init__(self, program, data_dir, *arguments):
        self.program = program
        self.data_dir = data_dir
        self.process = subprocess.Popen(
            [program, "serve", "--data-dir", data_dir, "--http-listen", "127.0.0.1:0", *ROOM,
             *arguments], stdout=subprocess.PIPE)
        self.port = urllib.parse.urlsplit(json.loads(self.process.stdout.readline())["http"]).port
        self.key = json.loads(self.run("keys", "create", "--json"))["key"]

    def run(self, *arguments):
        return subprocess.run([self.program, *arguments, "--data-dir", self.data_dir], check=True,
                              capture_output=True, text=True).stdout

    def resident_bytes(self):
        status = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        return int(status.split("VmRSS:")[1].split()[0]) * 1024

    def cpu_s(self):
        """Of the server and of its worker."""
        pids = [self.process.pid]
        children = pathlib.Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        for task in pathlib.Path(f"/proc/{self.process.pid}/task").iterdir():
            pids += map(int, (task / "children").read_text().split())
        assert children.exists()
        total = []
        for pid in pids:
            fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
            total.append((int(fields[11]) + int(fields[12])) / 100)
        return total

    def stop(self):
        self.process.terminate()
        self.process.wait()


def measure(load, server, name, *arguments, seconds, connections=64, rate=0):
    before = server.cpu_s()
    result = subprocess.run(
        [load, "--port", str(server.port), "--seconds", str(seconds), "--connections",
         str(connections), "--rate", str(rate), *arguments], check=True, capture_output=True,
        text=True).stdout
    cores = [round((b - a) / seconds, 2) for a, b in zip(before, server.cpu_s())]
    print(json.dumps({"what": name, "connections": connections, **json.loads(result),
                      "cores": cores}), flush=True)


def measure_idle(server, count):
    """Memory of a server with this many connections that have been answered once and are open."""
    before = server.resident_bytes()
    open_ones = []
    for _ in range(count):
        one = socket.create_connection(("127.0.0.1", server.port))
        one.sendall(b"GET /healthz HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n")
        assert one.recv(4096).startswith(b"HTTP/1.1 200")
        open_ones.append(one)
    time.sleep(0.5)
    resident = server.resident_bytes()
    print(json.dumps({"what": f"{count} idle connections", "resident_mb": round(resident / 1e6, 1),
                      "bytes_each": (resident - before) // count}), flush=True)
    for one in open_ones:
        one.close()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=pathlib.Path, help="with the programs instant and load")
    parser.add_argument("--seconds", type=float, default=5)
    parser.add_argument("--data-dir", help="where a folder for the server is made")
    parser.add_argument("--only", default="", help="scenarios with this word in their name")
    parser.add_argument("server_arguments", nargs="*", help="behind --")
    options = parser.parse_args()
    resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
    load = options.folder / "load"
    with tempfile.TemporaryDirectory(dir=options.data_dir) as data_dir:
        server = Server(options.folder / "instant", data_dir, *options.server_arguments)
        key = ("--header", f"authorization: Bearer {server.key}")
        unknown = ("--header", "authorization: Bearer " + server.key[:4] + "x" + server.key[5:])
        wrong = ("--header", f"authorization: Bearer {WRONG_KEY}")
        post = ("--method", "POST", "--path", "/v1/images/generations", *key)
        scenarios = [
            ("health", ("--path", "/healthz"), {}),
            ("401, garbled key", ("--path", "/v1/models", *wrong), {}),
            ("401, cut key", ("--path", "/v1/models", *unknown), {}),
            ("list of models", ("--path", "/v1/models", *key), {}),
            ("durable picture, one client", (*post, "--body", PICTURE), {"connections": 1}),
            ("durable picture", (*post, "--body", PICTURE), {}),
            ("durable picture at 1000/s", (*post, "--body", PICTURE), {"rate": 1000}),
            ("cached hit", (*post, "--body", SAME_PICTURE, "--header", "x-cache: use"), {}),
            ("cached hit at 1000/s", (*post, "--body", SAME_PICTURE, "--header", "x-cache: use"),
             {"rate": 1000}),
            ("list of models at 1000/s", ("--path", "/v1/models", *key), {"rate": 1000}),
        ]
        try:
            for name, arguments, how in scenarios:
                if options.only in name:
                    measure(load, server, name, *arguments, seconds=options.seconds, **how)
            if options.only in "idle connections":
                measure_idle(server, 10_000)
        finally:
            server.stop()


if __name__ == "__main__":
    main()
