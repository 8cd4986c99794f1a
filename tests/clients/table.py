#!/usr/bin/env python3
"""What developers see of `imagined` with the clients that they use: the tables of docs/clients.md and README.md.

    tests/clients/table.py [LANGUAGE...]   makes the calls and writes the tables

Each client is one program of a folder here in the client's own language. It makes the calls one after the
other and prints a line for each: its name, a tab, what a developer sees. test_table.py fails where the
pages say something else.
"""

import argparse
import dataclasses
import os
import pathlib
import re
import subprocess
import sys
import tempfile

from toolchains import Go, Java, JavaScript, NotInstalled, Python, Rust, command_of

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/e2e"))

from clips import clip_model  # noqa: E402
from program import PAPERLAND, Server, wait_until  # noqa: E402
from test_edits import TINY_KLEIN, png  # noqa: E402

WORKS = ("url", "b64", "n=3", "edit 1", "edit 3", "edit 8", "stream", "cancel", "video")
REFUSED = ("401", "404", "400", "429", "moderated")
EDITS = (1, 3, 8)
# What of the server's sentence a developer must see to know what to do.
REASONS = {"401": "API key", "404": "does not exist", "400": "11", "429": "Too many requests",
           "moderated": "content moderation"}
POLICY = '[categories.weapons]\nterms = ["catapult*"]\n'
PROGRAM_SECONDS = 120


@dataclasses.dataclass(frozen=True)
class Client:
    name: str
    by: Python | JavaScript | Go | Rust | Java

    @property
    def language(self):
        return self.by.language


CLIENTS = (
    Client("openai 3 (Python)", Python("openai_client.py", "openai")),
    Client("openai 2 (Python)", Python("openai_client.py", "openai", "openai2.txt")),
    Client("xai-sdk (Python)", Python("xai_client.py", "xai-sdk")),
    Client("xai-sdk (Python, async)", Python("xai_async_client.py", "xai-sdk")),
    Client("litellm (Python)", Python("litellm_client.py", "litellm")),
    Client("pydantic-ai, openai", Python("pydantic_openai_client.py", "pydantic-ai-slim")),
    Client("pydantic-ai, xai", Python("pydantic_xai_client.py", "pydantic-ai-slim")),
    Client("langchain, DALL-E", Python("langchain_client.py", "langchain-community")),
    Client("openai (JavaScript)", JavaScript("openai_client.mjs", "openai")),
    Client("ai, @ai-sdk/xai", JavaScript("ai_xai_client.mjs", "@ai-sdk/xai")),
    Client("ai, @ai-sdk/openai", JavaScript("ai_openai_client.mjs", "@ai-sdk/openai")),
    Client("@tanstack/ai-grok", JavaScript("tanstack_client.mjs", "@tanstack/ai-grok")),
    Client("openai-go", Go("openai_go", "github.com/openai/openai-go/v3")),
    Client("go-openai", Go("go_openai", "github.com/sashabaranov/go-openai")),
    Client("async-openai (Rust)", Rust("async-openai")),
    Client("openai-java", Java("openai-java.xml", "OpenaiJava", "openai-java")),
    Client("Spring AI (Java)", Java("spring-ai.xml", "SpringAi", "spring-ai-openai")),
    Client("langchain4j (Java)", Java("langchain4j.xml", "Langchain4j", "langchain4j-open-ai")),
)
LANGUAGES = tuple(dict.fromkeys(client.language for client in CLIENTS))


class Tried:
    """A server for the clients, one after the other, and what each of them sees."""

    def __enter__(self):
        self.folder = tempfile.TemporaryDirectory()
        data = pathlib.Path(self.folder.name)
        (data / "moderation.toml").write_text(POLICY)
        self.pictures = []
        for number in range(max(EDITS)):
            path = data / f"{number}.png"
            path.write_bytes(png(96, 96, (30 * number, 90, 160)))
            self.pictures.append(str(path))
        self.server = Server(data / "server", "--moderation-file", data / "moderation.toml",
                             "--set", f"models.grok-imagine-image.path={PAPERLAND}",
                             "--set", 'models.grok-imagine-image.aliases=["gpt-image-2"]',
                             "--set", f"models.grok-imagine-image-quality.path={TINY_KLEIN}",
                             "--set", "models.grok-imagine-image-quality.steps=1",
                             "--set", f"models.slow.path={TINY_KLEIN}",
                             "--set", "models.slow.steps=100",
                             "--set", f"models.grok-imagine-video.path={clip_model(data)}",
                             "--set", "models.grok-imagine-video.steps=1").__enter__()
        return self

    def __exit__(self, *error):
        self.server.__exit__(*error)
        self.folder.cleanup()

    def cells(self, client):
        command = command_of(client.by)
        if isinstance(command, NotInstalled):
            raise command
        limited = self.server.make_key("--per-second", 1000, "--per-minute", 1)["key"]
        setup = {"CLIENTS_URL": self.server.url, "CLIENTS_GRPC": self.server.grpc,
                 "CLIENTS_KEY": self.server.key, "CLIENTS_WRONG_KEY": "imk_wrong",
                 "CLIENTS_LIMITED_KEY": limited, "CLIENTS_PICTURES": os.pathsep.join(self.pictures),
                 "NO_PROXY": "127.0.0.1,localhost", "no_proxy": "127.0.0.1,localhost"}
        cancelled = self.server.job_states().count("cancelled")
        done = subprocess.run(command, env={**os.environ, **setup}, cwd=self.folder.name,
                              capture_output=True, text=True, timeout=PROGRAM_SECONDS)
        assert done.returncode == 0, done.stderr
        lines = dict(line.split("\t", 1) for line in done.stdout.splitlines())
        cells = {call: told(cell) for call, cell in lines.items()}
        if "cancel" in cells:
            wait_until(lambda: self.server.job_states().count("cancelled") > cancelled,
                       f"the end of the job that {client.name} gave up")
            cells["cancel"] += "; the job ends"
        return cells


def told(cell):
    """A cell as the page has it: what differs from run to run is taken out."""
    cell = " ".join(cell.split()).replace("|", "\\|") or "no error"
    cell = re.sub(r', body: \{ "created".*\}', "", cell)
    cell = re.sub(r"localhost:\d+|127\.0\.0\.1:\d+", "SERVER", cell)
    cell = re.sub(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f-]{22}|req_\w+", "ID", cell)
    return re.sub(r"\b\d+(\.\d+)? ?s\b", "N s", cell)


def works(call, cell):
    """One word of README for a cell."""
    if cell in (None, "-"):
        return "-"
    if call == "cancel":
        return "yes" if cell.endswith("; the job ends") else "no"
    return "yes" if re.match(r"\d+ (link|picture|preview)", cell) else "no"


def edits(cells):
    taken = [count for count in EDITS if works("edit", cells.get(f"edit {count}")) == "yes"]
    return f"up to {max(taken)}" if taken else "-"


def reasons(cells):
    silent = [call for call, reason in REASONS.items() if call in cells and reason not in cells[call]]
    return f"not with {', '.join(silent)}" if silent else "yes"


def summary(cells):
    plain = {call: works(call, cells.get(call)) for call in ("url", "b64", "n=3", "stream", "cancel")}
    return {"url": plain["url"], "b64": plain["b64"], "n=3": plain["n=3"], "edits": edits(cells),
            "stream": plain["stream"], "cancel": plain["cancel"], "says why": reasons(cells)}


def of_calls(calls):
    return lambda cells: {call: cells.get(call, "-") for call in calls}


@dataclasses.dataclass(frozen=True)
class Table:
    page: pathlib.Path
    mark: str
    columns: tuple
    of: object  # what a row says, from a client's cells

    def row(self, client, cells):
        shown = (client.name, client.by.version(), *self.of(cells).values())
        return "| " + " | ".join(shown) + " |"

    def rows(self):
        """The lines of the table as the page has them, by client."""
        block = re.search(rf"<!-- {self.mark} -->\n(.*?)<!-- end -->", self.page.read_text(), re.S)[1]
        return {line.split(" | ")[0].removeprefix("| "): line for line in block.splitlines()[2:]}

    def write(self, seen):
        """Writes what was seen; rows of clients that were not tried stay."""
        lines = self.rows() | {client.name: self.row(client, cells) for client, cells in seen.items()}
        head = ["| " + " | ".join(("Client", "Version", *self.columns)) + " |",
                "|" + "---|" * (len(self.columns) + 2)]
        body = [lines[client.name] for client in CLIENTS if client.name in lines]
        block = "\n".join([f"<!-- {self.mark} -->", *head, *body, "<!-- end -->"])
        self.page.write_text(re.sub(rf"<!-- {self.mark} -->\n.*?<!-- end -->", lambda _: block,
                                    self.page.read_text(), flags=re.S))


TABLES = (
    Table(ROOT / "docs/clients.md", "works", WORKS, of_calls(WORKS)),
    Table(ROOT / "docs/clients.md", "refused", REFUSED, of_calls(REFUSED)),
    Table(ROOT / "README.md", "clients", tuple(summary({})), summary),
)


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("language", nargs="*", choices=(*LANGUAGES, "all"), default="all")
    languages = parser.parse_args().language
    seen = {}
    with Tried() as tried:
        for client in CLIENTS:
            if client.language not in languages and "all" not in languages:
                continue
            try:
                seen[client] = tried.cells(client)
                print(f"{client.name} {client.by.version()}: {len(seen[client])} calls", flush=True)
            except NotInstalled as reason:
                print(f"skipped  {client.name}: {reason}", flush=True)
    for table in TABLES:
        table.write(seen)
    return 0 if seen else 1


if __name__ == "__main__":
    sys.exit(main())
