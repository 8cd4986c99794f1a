#!/usr/bin/env python3
"""The demo's client: the request that any user of the hosted API sends, with the base URL changed.

    tools/demo.py DIR    DIR holds ready.json of a running `imagined serve` and its data folder
"""

import json
import os
import pathlib
import subprocess
import sys
import time

import requests

PROMPT = "a red house on the beach at sunset"


def api_key(folder: pathlib.Path) -> str:
    """Creates a key once and keeps it beside the server's data."""
    stored = folder / "key"
    if not stored.exists():
        made = subprocess.run(
            [os.environ["PROGRAM"], "keys", "create", "--name", "demo", "--json",
             "--data-dir", str(folder / "data")], check=True, capture_output=True, text=True)
        stored.touch(mode=0o600)
        stored.write_text(json.loads(made.stdout)["key"])
    return stored.read_text()


def generate(base_url: str, key: str, **fields) -> str:
    response = requests.post(
        f"{base_url}/images/generations",
        headers={"Authorization": f"Bearer {key}", "Content-Type": "application/json"},
        json={"model": "grok-imagine-image", "prompt": PROMPT, **fields}, timeout=300)
    if not response.ok:
        sys.exit(f"the server answered {response.status_code}: {response.text}")
    return response.json()["data"][0]["url"]


def fetch(url: str, path: pathlib.Path) -> None:
    response = requests.get(url, timeout=60)
    response.raise_for_status()
    path.write_bytes(response.content)


def main() -> None:
    folder = pathlib.Path(sys.argv[1]).resolve()
    base_url = json.loads((folder / "ready.json").read_text().splitlines()[0])["http"] + "/v1"
    key = api_key(folder)
    path = folder / "picture.jpg"
    for resolution, file in (("2K", folder / "picture-2k.jpg"), ("1k", path)):
        start = time.monotonic()
        url = generate(base_url, key, n=1, aspect_ratio="1:1", resolution=resolution)
        fetch(url, file)
        print(f"{resolution}: {time.monotonic() - start:.2f} s, from the request to {file}")
    print(f"""
The next picture:
  curl -s {base_url}/images/generations -H 'Authorization: Bearer {key}' \\
    -H 'Content-Type: application/json' \\
    -d '{{"model": "grok-imagine-image", "prompt": "a blue car to the left of a palm tree on the beach at night"}}'
Stop the server:
  ./dev stop
picture: {path}""")


if __name__ == "__main__":
    main()
