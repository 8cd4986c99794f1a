"""One server per session for tests that leave it as it was; `start_server` for the others."""

import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parent))

from program import BINARY, Server  # noqa: E402
from servers import client, no_proxy, start_server  # noqa: E402, F401


def pytest_collection_modifyitems(items):
    if not BINARY.exists():
        mark = pytest.mark.skip(reason=f"{BINARY} is not built")
        for item in items:
            item.add_marker(mark)


@pytest.fixture(scope="session")
def server(tmp_path_factory):
    with Server(tmp_path_factory.mktemp("server")) as running:
        yield running
