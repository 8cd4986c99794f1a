"""Conversations with the clients that people have them with: what they say of a model of another server, which
a script plays, and of one that makes pictures."""

import json
import os
import re
import subprocess

import pytest

from table import PROGRAM_SECONDS, NotInstalled, Server, command_of
from toolchains import JavaScript, Python

from test_tool_talk import calls_of, responds, says  # noqa: E402  (of the end-to-end tests, whose folder table.py has added)
from upstream import Upstream, completion, json_answer

LANGCHAIN = Python("langchain_chat.py", "langchain-openai", "chat_packages.txt")
CLIENTS = {"langchain": LANGCHAIN, "litellm": Python("litellm_chat.py", "litellm"),
           "ai, @ai-sdk/xai": JavaScript("ai_chat.mjs", "@ai-sdk/xai")}


def completes(body):
    """Who has no /responses."""
    return json_answer({"detail": "Not Found"}, 404) if "input" in json.loads(body) else answer_to(body)


def answer_to(body):
    asked = json.loads(body)
    if "input" in asked:
        stream = responds("a house")
        if asked.get("stream"):
            return stream
        return json_answer(json.loads(stream[2].decode().strip().split("data: ")[-1])["response"])
    if asked.get("stream"):
        return says("a ", "house")
    whole = completion("a house")
    if "use the tool" in json.dumps(asked["messages"]):
        whole["choices"][0] |= {"finish_reason": "tool_calls", "message": {
            "role": "assistant", "content": None, "tool_calls": calls_of(("weather", {"at": "home"}))}}
    return json_answer(whole)


@pytest.mark.parametrize("name, answer", [*((name, answer_to) for name in CLIENTS), ("ai, @ai-sdk/xai", completes)])
def test_a_client_talks_to_either_kind_of_model(tmp_path, name, answer):
    languages = os.environ.get("CLIENTS_LANGUAGES", "python javascript").split()
    if CLIENTS[name].language not in languages and "all" not in languages:
        pytest.skip("not asked for")
    command = command_of(CLIENTS[name])
    if isinstance(command, NotInstalled):
        pytest.skip(str(command))
    upstream = Upstream(answer)
    (tmp_path / "chat.toml").write_text(f'[upstreams.u]\nbase_url = "{upstream.url}"\nmodels = ["far"]\n')
    with Server(tmp_path / "data", "--config", tmp_path / "chat.toml") as server:
        done = subprocess.run([str(word) for word in command], capture_output=True, text=True, timeout=PROGRAM_SECONDS,
                              env=os.environ | {"CLIENTS_URL": server.url, "CLIENTS_KEY": server.key,
                                                "NO_PROXY": "127.0.0.1,localhost",
                                                "no_proxy": "127.0.0.1,localhost"})
    upstream.close()
    assert done.returncode == 0, done.stderr
    lines = dict(line.split("\t", 1) for line in done.stdout.splitlines() if "\t" in line)
    picture = re.compile(r"!\[a red house\]\(http://127\.0\.0\.1:\d+/v1/files/img/\S+\)")
    assert lines["whole"] == "a house, 5 tokens" and lines["stream"] == "a house"
    assert all(picture.search(lines[each]) for each in ("picture", "responses") if each in lines)
    assert lines.get("second", "a house") == "a house"
    assert lines.get("tool", "weather {'at': 'home'}") == "weather {'at': 'home'}"
