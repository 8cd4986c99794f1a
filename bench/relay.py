#!/usr/bin/env python3
"""What passing on to another server costs, beside LiteLLM's proxy where that is installed.

    bench/relay.py build/release/imagined build/release/bench/load [--litellm VENV/bin/litellm] [--rounds 3]
                   [--stream] [--tls]

A server that answers at once with a completion of 1 KB, whole or with --stream as 150 events, is asked directly,
through `imagined` and through LiteLLM, in turn: one client at a time for what is added to the latency, then 32
for how many requests a second of the proxy's own processor time it carries. With --tls the proxies speak TLS to
it, which the direct way, in the clear, does not. Prints one line of JSON for each; the last has medians.
"""

import argparse
import asyncio
import json
import os
import pathlib
import socket
import ssl
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import urllib.parse
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests/e2e"))

from authority import Authority  # noqa: E402

WORDS = 150
ANSWER = json.dumps({
    "id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": "far",
    "choices": [{"index": 0, "finish_reason": "stop",
                 "message": {"role": "assistant", "content": "word " * WORDS}}],
    "usage": {"prompt_tokens": 100, "completion_tokens": WORDS, "total_tokens": 100 + WORDS}}).encode()
WHOLE = (b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n" % len(ANSWER)) + ANSWER
ASK = {"model": "far", "messages": [{"role": "user", "content": "word " * WORDS}]}


def streamed():
    """The same as events, each a piece of its own."""
    head = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": "far"}
    chunks = [head | {"choices": [{"index": 0, "delta": {"content": "word "}, "finish_reason": None}]}] * WORDS
    chunks.append(head | {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]})
    chunks.append(head | {"choices": [], "usage": {"prompt_tokens": 100, "completion_tokens": WORDS}})
    events = [f"data: {json.dumps(chunk)}\n\n".encode() for chunk in chunks] + [b"data: [DONE]\n\n"]
    pieces = b"".join(b"%x\r\n%s\r\n" % (len(event), event) for event in events)
    return b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n" + pieces + \
        b"0\r\n\r\n"


class Stub(asyncio.Protocol):
    """Answers every request with the same bytes."""

    def __init__(self, reply):
        self.reply = reply

    def connection_made(self, transport):
        self.transport, self.data = transport, b""

    def data_received(self, data):
        self.data += data
        while (end := self.data.find(b"\r\n\r\n")) >= 0:
            head = self.data[:end].lower()
            at = head.find(b"content-length:")
            size = int(head[at + 15:].split(b"\r\n", 1)[0]) if at >= 0 else 0
            if len(self.data) < end + 4 + size:
                return
            self.data = self.data[end + 4 + size:]
            self.transport.write(self.reply)


def start_stub(reply, certificate=None):
    """Its port."""
    loop = asyncio.new_event_loop()
    listener = socket.create_server(("127.0.0.1", 0), backlog=1024)
    tls = None
    if certificate:
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(*certificate)

    async def serve():
        await (await loop.create_server(lambda: Stub(reply), sock=listener, ssl=tls)).serve_forever()

    threading.Thread(target=loop.run_until_complete, args=(serve(),), daemon=True).start()
    return listener.getsockname()[1]


def cpu_s(pid):
    """Of a process and all that it has started."""
    total, left = 0, [pid]
    while left:
        one = left.pop()
        try:
            fields = pathlib.Path(f"/proc/{one}/stat").read_text().rsplit(")", 1)[1].split()
            total += int(fields[11]) + int(fields[12])
            for task in pathlib.Path(f"/proc/{one}/task").iterdir():
                left += map(int, (task / "children").read_text().split())
        except FileNotFoundError:
            continue
    return total / os.sysconf("SC_CLK_TCK")


def start_imagined(program, folder, url, authority):
    trusts = f'ca_file = "{authority}"\n' if authority else ""
    (folder / "relay.toml").write_text(f'[upstreams.u]\nbase_url = "{url}"\nmodels = ["far"]\n{trusts}')
    process = subprocess.Popen(
        [program, "serve", "--config", folder / "relay.toml", "--data-dir", folder / "data", "--http-listen",
         "127.0.0.1:0", "--grpc-listen", "off", "--log-level", "warn", "--rate-per-second", "1000000",
         "--rate-per-minute", "60000000"], stdout=subprocess.PIPE)
    own = urllib.parse.urlsplit(json.loads(process.stdout.readline())["http"]).port
    key = json.loads(subprocess.run([program, "keys", "create", "--json", "--data-dir", folder / "data"], check=True,
                                    capture_output=True, text=True).stdout)["key"]
    return process, own, key


def start_litellm(program, folder, url, authority):
    (folder / "litellm.yaml").write_text(f"""
model_list:
  - model_name: far
    litellm_params: {{model: openai/far, api_base: "{url}", api_key: x}}
general_settings: {{master_key: sk-of-the-bench}}
litellm_settings: {{telemetry: false}}
""")
    with socket.create_server(("127.0.0.1", 0)) as free:
        own = free.getsockname()[1]
    process = subprocess.Popen(
        [program, "--config", folder / "litellm.yaml", "--host", "127.0.0.1", "--port", str(own)],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        env=os.environ | {"LITELLM_LOCAL_MODEL_COST_MAP": "True", "LITELLM_LOG": "ERROR"} |
        ({"SSL_CERT_FILE": str(authority)} if authority else {}))
    for _ in range(600):
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{own}/health/liveliness", timeout=1)
            return process, own, "sk-of-the-bench"
        except OSError:
            time.sleep(0.2)
    raise SystemExit("LiteLLM did not begin to answer")


def measure(load, pid, port, key, seconds, connections, ask):
    before = cpu_s(pid) if pid else 0
    said = json.loads(subprocess.run(
        [load, "--port", str(port), "--seconds", str(seconds), "--connections", str(connections), "--method", "POST",
         "--path", "/v1/chat/completions", "--header", f"authorization: Bearer {key}", "--body", json.dumps(ask)],
        check=True, capture_output=True, text=True).stdout)
    if pid:
        said["cpu_s"] = round(cpu_s(pid) - before, 3)
    return said


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("imagined", type=pathlib.Path)
    parser.add_argument("load", type=pathlib.Path)
    parser.add_argument("--litellm", type=pathlib.Path)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=4)
    parser.add_argument("--stream", action="store_true")
    parser.add_argument("--tls", action="store_true")
    parser.add_argument("--data-dir", help="where a folder for both is made")
    options = parser.parse_args()
    reply = streamed() if options.stream else WHOLE
    ask = ASK | ({"stream": True} if options.stream else {})
    stub = start_stub(reply)
    with tempfile.TemporaryDirectory(dir=options.data_dir) as name:
        folder = pathlib.Path(name)
        far, authority = f"http://127.0.0.1:{stub}/v1", None
        if options.tls:
            issuing = Authority(folder)
            authority = issuing.certificate
            far = f"https://127.0.0.1:{start_stub(reply, issuing.issue('far'))}/v1"
        ways = {"direct": (None, stub, "x"), "imagined": start_imagined(options.imagined, folder, far, authority)}
        if options.litellm:
            ways["litellm"] = start_litellm(options.litellm, folder, far, authority)
        found = {}
        try:
            for _ in range(options.rounds):
                for connections in (1, 32):
                    for way, (process, port, key) in ways.items():
                        said = measure(options.load, process and process.pid, port, key, options.seconds, connections,
                                       ask)
                        print(json.dumps({"way": way, "connections": connections, **said}), flush=True)
                        found.setdefault((way, connections), []).append(said)
        finally:
            for process, _, _ in ways.values():
                if process:
                    process.terminate()
                    process.wait()
    summary = {}
    direct = statistics.median(each["p50_ms"] for each in found["direct", 1])
    for way in ways:
        if way == "direct":
            continue
        p50 = statistics.median(each["p50_ms"] for each in found[way, 1])
        per_core = [each["per_s"] * options.seconds / each["cpu_s"] for each in found[way, 32]]
        summary[way] = {"added_p50_ms": round(p50 - direct, 3),
                        "requests_per_core_s": round(statistics.median(per_core))}
    print(json.dumps({"stream": options.stream, "tls": options.tls} | summary))


if __name__ == "__main__":
    main()
