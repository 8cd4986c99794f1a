"""Videos with the clients that people ask for them with, beyond the one call of the table: test_videos.py has
openai's, test_grpc_videos.py xai-sdk's. No published LiteLLM asks an xAI server for one (clients.md)."""

import os
import subprocess

import pytest

from table import PROGRAM_SECONDS, NotInstalled, Server, command_of
from toolchains import JavaScript

from clips import clip_model  # noqa: E402  (of the end-to-end tests, whose folder table.py has added)
from test_edits import RED, data_url  # noqa: E402

AI = JavaScript("ai_video.mjs", "@ai-sdk/xai")


def test_ai_begins_goes_on_and_draws_anew(tmp_path):
    command = command_of(AI)
    if isinstance(command, NotInstalled):
        pytest.skip(str(command))
    with Server(tmp_path / "data", "--set", f"models.grok-imagine-video.path={clip_model(tmp_path)}",
                "--set", "models.grok-imagine-video.steps=1") as server:
        done = subprocess.run([str(word) for word in command], capture_output=True, text=True, timeout=PROGRAM_SECONDS,
                              env=os.environ | {"CLIENTS_URL": server.url, "CLIENTS_KEY": server.key,
                                                "CLIENTS_PICTURE": data_url(RED), "NO_PROXY": "127.0.0.1,localhost",
                                                "no_proxy": "127.0.0.1,localhost"})
        assert done.returncode == 0, done.stderr
        lines = dict(line.split("\t", 1) for line in done.stdout.splitlines())
        assert lines["picture"] == "a clip of 2 s, 0 warnings"
        assert lines["more"] == "a clip of 3 s, 0 warnings"
        assert lines["anew"] == "a clip of 2 s, 0 warnings"
        assert lines["broken"].startswith("Video generation failed: image is ")
        assert server.job_states().count("succeeded") == 3
