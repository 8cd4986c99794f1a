"""Servers for every test that runs the program, and the OpenAI client of one."""

import os

import pytest
from program import Server


@pytest.fixture
def start_server(tmp_path):
    """Starts servers that the test may break; they end with the test."""
    started = []

    def start(*arguments, data_dir=None, **options):
        running = Server(data_dir or tmp_path / f"data{len(started)}", *arguments, **options)
        started.append(running)
        return running.__enter__()

    yield start
    for running in reversed(started):
        running.__exit__(None, None, None)


def openai_of(server, key=None):
    """The OpenAI client of a server, with the server's own key if there is no other; tries nothing twice."""
    openai = pytest.importorskip("openai", reason="the openai package is not installed")
    return openai.OpenAI(base_url=f"{server.url}/v1", api_key=key or server.key, max_retries=0)


@pytest.fixture
def client(server):
    with openai_of(server) as made:
        yield made


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch):
    monkeypatch.setenv("NO_PROXY", "127.0.0.1,localhost")
    for name in list(os.environ):
        if name.startswith("IMAGINED_") and name != "IMAGINED_MODELS_DIR":
            monkeypatch.delenv(name)
    monkeypatch.setenv("IMAGINED_GRPC_LISTEN", "127.0.0.1:0")  # its default may be another's
