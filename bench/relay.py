#!/usr/bin/env python3
"""What passing on to another server costs, beside LiteLLM's proxy where that is installed.

    bench/relay.py build/release/imagined build/release/bench/load [--litellm VENV/bin/litellm] [--rounds 3]

A server that answers at once with a whole completion of 1 KB is asked directly, through `imagined` and through
LiteLLM, in turn: one client at a time for what is added to the latency, then 32 for how many requests a
second of the proxy's own processor time it carries. Prints one line of JSON for each; the last has medians.
"""

import argparse
import asyncio
import json
import os
import pathlib
import socket
import statistics
import subprocess
import tempfile
import threading
import time
import urllib.parse
import urllib.request

ANSWER = json.dumps({
    "id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": "far",
    "choices": [{"index": 0, "finish_reason": "stop",
                 "message": {"role": "assistant", "content": "word " * 150}}],
    "usage": {"prompt_tokens": 100, "completion_tokens": 150, "total_tokens": 250}}).encode()
REPLY = (b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n" % len(ANSWER)) + ANSWER
ASK = json.dumps({"model": "far", "messages": [{"role": "user", "content": "word " * 150}]})


class Stub(asyncio.Protocol):
    """Answers every request with the same bytes."""

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
            self.transport.write(REPLY)


def start_stub():
    loop = asyncio.new_event_loop()
    listener = socket.create_server(("127.0.0.1", 0), backlog=1024)

    async def serve():
        await (await loop.create_server(Stub, sock=listener)).serve_forever()

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


def start_imagined(program, folder, port):
    (folder / "relay.toml").write_text(f'[upstreams.u]\nbase_url = "http://127.0.0.1:{port}/v1"\nmodels = ["far"]\n')
    process = subprocess.Popen(
        [program, "serve", "--config", folder / "relay.toml", "--data-dir", folder / "data", "--http-listen",
         "127.0.0.1:0", "--grpc-listen", "off", "--log-level", "warn", "--rate-per-second", "1000000",
         "--rate-per-minute", "60000000"], stdout=subprocess.PIPE)
    own = urllib.parse.urlsplit(json.loads(process.stdout.readline())["http"]).port
    key = json.loads(subprocess.run([program, "keys", "create", "--json", "--data-dir", folder / "data"], check=True,
                                    capture_output=True, text=True).stdout)["key"]
    return process, own, key


def start_litellm(program, folder, port):
    (folder / "litellm.yaml").write_text(f"""
model_list:
  - model_name: far
    litellm_params: {{model: openai/far, api_base: "http://127.0.0.1:{port}/v1", api_key: x}}
general_settings: {{master_key: sk-of-the-bench}}
litellm_settings: {{telemetry: false}}
""")
    with socket.create_server(("127.0.0.1", 0)) as free:
        own = free.getsockname()[1]
    process = subprocess.Popen(
        [program, "--config", folder / "litellm.yaml", "--host", "127.0.0.1", "--port", str(own)],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        env=os.environ | {"LITELLM_LOCAL_MODEL_COST_MAP": "True", "LITELLM_LOG": "ERROR"})
    for _ in range(600):
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{own}/health/liveliness", timeout=1)
            return process, own, "sk-of-the-bench"
        except OSError:
            time.sleep(0.2)
    raise SystemExit("LiteLLM did not begin to answer")


def measure(load, pid, port, key, seconds, connections):
    before = cpu_s(pid) if pid else 0
    said = json.loads(subprocess.run(
        [load, "--port", str(port), "--seconds", str(seconds), "--connections", str(connections), "--method", "POST",
         "--path", "/v1/chat/completions", "--header", f"authorization: Bearer {key}", "--body", ASK],
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
    parser.add_argument("--data-dir", help="where a folder for both is made")
    options = parser.parse_args()
    stub = start_stub()
    with tempfile.TemporaryDirectory(dir=options.data_dir) as name:
        folder = pathlib.Path(name)
        ways = {"direct": (None, stub, "x"), "imagined": start_imagined(options.imagined, folder, stub)}
        if options.litellm:
            ways["litellm"] = start_litellm(options.litellm, folder, stub)
        found = {}
        try:
            for _ in range(options.rounds):
                for connections in (1, 32):
                    for way, (process, port, key) in ways.items():
                        said = measure(options.load, process and process.pid, port, key, options.seconds, connections)
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
    print(json.dumps(summary))


if __name__ == "__main__":
    main()
