"""Fixtures of every test that runs the program."""

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


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch):
    monkeypatch.setenv("NO_PROXY", "127.0.0.1,localhost")
    for name in list(os.environ):
        if name.startswith("IMAGINED_") and name != "IMAGINED_MODELS_DIR":
            monkeypatch.delenv(name)
    monkeypatch.setenv("IMAGINED_GRPC_LISTEN", "127.0.0.1:0")  # its default may be another's
