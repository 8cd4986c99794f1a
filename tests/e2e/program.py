"""The real program, run as its users run it."""

import contextlib
import json
import os
import pathlib
import select
import signal
import sqlite3
import subprocess
import time

import requests

ROOT = pathlib.Path(__file__).resolve().parents[2]
BINARY = pathlib.Path(os.environ.get("PROGRAM", ROOT / "build/release/imagined"))
PAPERLAND = ROOT / "models/paperland"
# A model slow enough to be met in the middle: each picture takes a hundred steps.
SLOW = ("--set", f"models.slow.path={PAPERLAND}", "--set", "models.slow.steps=100")
PROMPT = "a red house beside two trees at night"
START_SECONDS = 30


def run(*arguments, stdin=None, timeout=60, **options):
    """One run of the program to its end."""
    return subprocess.run([str(BINARY), *map(str, arguments)], input=stdin, capture_output=True,
                          text=True, timeout=timeout, **options)


@contextlib.contextmanager
def stopped(pid):
    """A process that is there and does nothing."""
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGCONT)


def wait_until(condition, what, seconds=20):
    """Polls, because the other side is another process; fails loudly at the deadline."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        value = condition()
        if value:
            return value
        time.sleep(0.02)
    raise AssertionError(f"{what} did not happen within {seconds} s")


class Server:
    def __init__(self, data_dir, *arguments, preexec_fn=None, wait=True, grpc="127.0.0.1:0"):
        self.data_dir = pathlib.Path(data_dir)
        self.arguments = arguments
        self.preexec_fn = preexec_fn
        self.wait = wait
        self.process = None
        self.url = None
        self.grpc = grpc

    def __enter__(self):
        self.data_dir.mkdir(parents=True, exist_ok=True)
        self.log = open(self.data_dir / "log", "ab")
        self.process = subprocess.Popen(
            [str(BINARY), "serve", "--data-dir", str(self.data_dir), "--http-listen",
             "127.0.0.1:0", "--grpc-listen", self.grpc, *map(str, self.arguments)],
            stdout=subprocess.PIPE, stderr=self.log, preexec_fn=self.preexec_fn)
        if self.wait:
            ready = self.read_ready_line()
            self.url, self.grpc = ready["http"], ready.get("grpc")
            self.key = self.create_key()
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self.process.stdout.close()
        self.log.close()

    def read_ready_line(self):
        readable, _, _ = select.select([self.process.stdout], [], [], START_SECONDS)
        line = self.process.stdout.readline() if readable else b""
        assert line, f"the server did not get ready:\n{self.log_text()}"
        event = json.loads(line)
        assert event["event"] == "ready"
        return event

    def log_text(self):
        return (self.data_dir / "log").read_text()

    @property
    def address(self):
        host, port = self.url.removeprefix("http://").split(":")
        return host, int(port)

    def make_key(self, *options):
        """A key as `keys create` reports it; without options it has the server's own limits."""
        made = run("keys", "create", "--json", "--data-dir", self.data_dir, *options)
        assert made.returncode == 0, made.stderr
        return json.loads(made.stdout)

    def create_key(self, name="test"):
        """A key that no test runs into the limits of."""
        return self.make_key("--name", name, "--per-second", 1000, "--per-minute", 60000,
                             "--in-flight", 1000)["key"]

    def keys(self, *arguments):
        """`imagined keys ARGUMENTS --json`, read."""
        done = run("keys", *arguments, "--json", "--data-dir", self.data_dir)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    def headers(self, key=None):
        return {"Authorization": f"Bearer {key or self.key}"}

    def generate(self, timeout=60, **body):
        body.setdefault("prompt", PROMPT)
        return requests.post(f"{self.url}/v1/images/generations", json=body,
                             headers=self.headers(), timeout=timeout)

    def get(self, path, **options):
        options.setdefault("headers", self.headers())
        return requests.get(self.url + path, timeout=10, **options)

    def query(self, sql, *values):
        """Rows of the server's own database, read beside it."""
        connection = sqlite3.connect(f"file:{self.data_dir}/imagined.db?mode=ro", uri=True,
                                     timeout=5)
        try:
            return connection.execute(sql, values).fetchall()
        finally:
            connection.close()

    def job_states(self):
        return [row[0] for row in self.query("SELECT state FROM jobs ORDER BY sequence")]

    def wait_for_state(self, state):
        wait_until(lambda: state in self.job_states(), f"a {state} job")

    def worker_pid(self):
        """The child that makes the pictures; none while there is none."""
        for task in pathlib.Path(f"/proc/{self.process.pid}/task").iterdir():
            try:
                children = (task / "children").read_text().split()
            except OSError:
                continue
            if children:
                return int(children[0])
        return None

    def memory_kib(self):
        """What the server itself holds of the machine's memory."""
        status = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        return int(status.split("VmRSS:")[1].split()[0])

    def cpu_seconds(self):
        """What the server itself has used of the processors."""
        fields = pathlib.Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def kill_worker(self):
        pid = wait_until(self.worker_pid, "a worker")
        os.kill(pid, signal.SIGKILL)
        return pid


def jpeg_size(data):
    """Width and height from a JPEG's frame header."""
    assert data[:2] == b"\xff\xd8", "not a JPEG"
    at = 2
    while True:
        marker, length = data[at + 1], int.from_bytes(data[at + 2:at + 4], "big")
        if marker in (0xC0, 0xC2):
            height = int.from_bytes(data[at + 5:at + 7], "big")
            return int.from_bytes(data[at + 7:at + 9], "big"), height
        at += 2 + length


def png_size(data):
    assert data[:8] == b"\x89PNG\r\n\x1a\n", "not a PNG"
    return int.from_bytes(data[16:20], "big"), int.from_bytes(data[20:24], "big")
