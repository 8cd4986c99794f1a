#!/usr/bin/env python3
"""What developers see of `imagined` with the clients that they use: the table of docs/clients.md.

    tests/clients/table.py python|javascript|all   makes the calls and writes the table

Each client is one script of this folder in the client's own language. It makes the calls one after the
other and prints a line of JSON for each. test_table.py fails where the page says something else.
"""

import argparse
import dataclasses
import functools
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
HERE = pathlib.Path(__file__).parent
sys.path.insert(0, str(ROOT / "tests/e2e"))

from program import PAPERLAND, Server, wait_until  # noqa: E402
from test_edits import TINY_KLEIN, png  # noqa: E402

PAGE = ROOT / "docs/clients.md"
INSTALLED = ROOT / "build/clients"
WORKS = ("url", "b64", "n=3", "edit 1", "edit 3", "edit 8", "stream", "cancel")
REFUSED = ("401", "404", "400", "429", "moderated")
POLICY = '[categories.weapons]\nterms = ["catapult*"]\n'
NODE_MIN = 20
SCRIPT_SECONDS = 120


@dataclasses.dataclass(frozen=True)
class Client:
    name: str
    language: str
    script: str
    package: str  # whose version is shown
    environment: str  # the folder that it is installed in


CLIENTS = (
    Client("openai 3 (Python)", "python", "openai_client.py", "openai", "python"),
    Client("openai 2 (Python)", "python", "openai_client.py", "openai", "python-openai2"),
    Client("xai-sdk (Python)", "python", "xai_client.py", "xai-sdk", "python"),
    Client("litellm (Python)", "python", "litellm_client.py", "litellm", "python"),
    Client("pydantic-ai, openai", "python", "pydantic_openai_client.py", "pydantic-ai-slim", "python"),
    Client("pydantic-ai, xai", "python", "pydantic_xai_client.py", "pydantic-ai-slim", "python"),
    Client("langchain, DALL-E", "python", "langchain_client.py", "langchain-community", "python"),
    Client("openai (JavaScript)", "javascript", "openai_client.mjs", "openai", "javascript"),
    Client("ai, @ai-sdk/xai", "javascript", "ai_xai_client.mjs", "@ai-sdk/xai", "javascript"),
    Client("ai, @ai-sdk/openai", "javascript", "ai_openai_client.mjs", "@ai-sdk/openai", "javascript"),
    Client("@tanstack/ai-grok", "javascript", "tanstack_client.mjs", "@tanstack/ai-grok", "javascript"),
)


class NotInstalled(Exception):
    """Why a client cannot be tried on this machine."""


def call(command, **options):
    done = subprocess.run(command, capture_output=True, text=True, **options)
    if done.returncode != 0:
        last = (done.stderr or done.stdout).strip().splitlines()[-1:] or ["no reason given"]
        raise NotInstalled(f"{pathlib.Path(command[0]).name} says: {last[0]}")
    return done.stdout


def install(environment):
    """The folder with the packages in their pinned versions; made once and when the pins change."""
    folder = INSTALLED / environment
    pins = HERE / ("package.json" if environment == "javascript" else f"{environment}.txt")
    stamp = folder / "pins"
    if environment == "javascript":
        if not (shutil.which("node") and shutil.which("npm")):
            raise NotInstalled("node or npm is not installed")
        version = call(["node", "--version"]).strip()
        if int(version.removeprefix("v").split(".")[0]) < NODE_MIN:
            raise NotInstalled(f"node {version} is older than {NODE_MIN}")
    if stamp.exists() and stamp.read_text() == pins.read_text():
        return folder
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    if environment == "javascript":
        shutil.copy(pins, folder)
        # Without scripts: nothing of a package runs but what a client calls.
        call(["npm", "install", "--loglevel=error", "--ignore-scripts", "--no-audit", "--no-fund"],
             cwd=folder)
    else:
        call([sys.executable, "-m", "venv", str(folder)])
        call([str(folder / "bin/python"), "-m", "pip", "install", "-q",
              "--disable-pip-version-check", "-r", str(pins)])
    stamp.write_text(pins.read_text())
    return folder


@functools.cache
def installed(environment):
    """The folder, or why there is none: a registry that does not answer is asked once."""
    try:
        return install(environment)
    except NotInstalled as reason:
        return reason


def pinned_version(client):
    if client.language == "javascript":
        return json.loads((HERE / "package.json").read_text())["dependencies"][client.package]
    pins = (HERE / f"{client.environment}.txt").read_text()
    return re.search(rf"^{re.escape(client.package)}(?:\[.*\])?==(.+)$", pins, re.M)[1]


class Tried:
    """A server for the clients, one after the other, and what each of them sees."""

    def __enter__(self):
        self.folder = tempfile.TemporaryDirectory()
        data = pathlib.Path(self.folder.name)
        (data / "moderation.toml").write_text(POLICY)
        self.pictures = []
        for number in range(8):
            path = data / f"{number}.png"
            path.write_bytes(png(96, 96, (30 * number, 90, 160)))
            self.pictures.append(str(path))
        self.server = Server(data / "server", "--moderation-file", data / "moderation.toml",
                             "--set", f"models.grok-imagine-image.path={PAPERLAND}",
                             "--set", f"models.grok-imagine-image-quality.path={TINY_KLEIN}",
                             "--set", "models.grok-imagine-image-quality.steps=1",
                             "--set", f"models.slow.path={TINY_KLEIN}",
                             "--set", "models.slow.steps=100").__enter__()
        return self

    def __exit__(self, *error):
        self.server.__exit__(*error)
        self.folder.cleanup()

    def cells(self, client):
        folder = installed(client.environment)
        if isinstance(folder, NotInstalled):
            raise folder
        limited = self.server.make_key("--per-second", 1000, "--per-minute", 1)["key"]
        setup = {"url": self.server.url, "grpc": self.server.grpc, "key": self.server.key,
                 "wrong_key": "imk_wrong", "limited_key": limited, "pictures": self.pictures}
        environment = {**os.environ, "CLIENTS_SETUP": json.dumps(setup),
                       "NO_PROXY": "127.0.0.1,localhost", "no_proxy": "127.0.0.1,localhost"}
        cancelled = self.server.job_states().count("cancelled")
        if client.language == "javascript":
            for script in HERE.glob("*.mjs"):  # Node looks for packages from where the script lies
                shutil.copy(script, folder)
            command = ["node", str(folder / client.script)]
        else:
            command = [str(folder / "bin/python"), str(HERE / client.script)]
        done = subprocess.run(command, env=environment, cwd=folder, capture_output=True, text=True,
                              timeout=SCRIPT_SECONDS)
        assert done.returncode == 0, done.stderr
        lines = [json.loads(line) for line in done.stdout.splitlines()]
        cells = {line["call"]: told(line["cell"]) for line in lines}
        if "cancel" in cells:
            wait_until(lambda: self.server.job_states().count("cancelled") > cancelled,
                       f"the end of the job that {client.name} gave up")
            cells["cancel"] += "; the job ends"
        return cells


def told(cell):
    """A cell as the page has it: what differs from run to run is taken out."""
    if cell is None:
        return "no error"
    cell = " ".join(cell.split()).replace("|", "\\|")
    cell = re.sub(r', body: \{ "created".*\}', "", cell)
    cell = re.sub(r"localhost:\d+|127\.0\.0\.1:\d+", "SERVER", cell)
    cell = re.sub(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f-]{22}|req_\w+", "ID", cell)
    return re.sub(r"\b\d+(\.\d+)? ?s\b", "N s", cell)


def row(client, calls, cells):
    shown = [client.name, pinned_version(client), *(cells.get(call, "-") for call in calls)]
    return "| " + " | ".join(shown) + " |"


PARTS = {"works": WORKS, "refused": REFUSED}


def rows(page, part):
    """The lines of one table, by client."""
    block = re.search(rf"<!-- {part} -->\n(.*?)<!-- end -->", page, re.S)[1]
    return {line.split(" | ")[0].removeprefix("| "): line for line in block.splitlines()[2:]}


def written(page, seen):
    """The page with what was seen; rows of clients that were not tried stay."""
    for part, calls in PARTS.items():
        lines = rows(page, part) | {client.name: row(client, calls, cells)
                                    for client, cells in seen.items()}
        head = ["| " + " | ".join(("Client", "Version", *calls)) + " |",
                "|" + "---|" * (len(calls) + 2)]
        body = [lines[client.name] for client in CLIENTS if client.name in lines]
        block = "\n".join([f"<!-- {part} -->", *head, *body, "<!-- end -->"])
        page = re.sub(rf"<!-- {part} -->\n.*?<!-- end -->", lambda _: block, page, flags=re.S)
    return page


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("language", choices=("python", "javascript", "all"))
    language = parser.parse_args().language
    seen = {}
    with Tried() as tried:
        for client in CLIENTS:
            if language not in (client.language, "all"):
                continue
            try:
                seen[client] = tried.cells(client)
                print(f"{client.name} {pinned_version(client)}: {len(seen[client])} calls")
            except NotInstalled as reason:
                print(f"skipped  {client.name}: {reason}")
    PAGE.write_text(written(PAGE.read_text(), seen))
    return 0 if seen else 1


if __name__ == "__main__":
    sys.exit(main())
