"""One server per session for tests that leave it as it was; `start_server` for the others."""

import os
import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parent))

from program import BINARY, Server  # noqa: E402


def pytest_collection_modifyitems(items):
    if not BINARY.exists():
        mark = pytest.mark.skip(reason=f"{BINARY} is not built")
        for item in items:
            item.add_marker(mark)


@pytest.fixture(scope="session")
def server(tmp_path_factory):
    with Server(tmp_path_factory.mktemp("server")) as running:
        yield running


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
