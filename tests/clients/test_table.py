"""Each client sees what docs/clients.md and README.md say of it."""

import os
import re

import pytest

from table import CLIENTS, ROOT, TABLES, NotInstalled, Tried

# Those that take seconds; the others compile for minutes, `./dev ci --all-clients` tries them.
LANGUAGES = os.environ.get("CLIENTS_LANGUAGES", "python javascript").split()


@pytest.fixture(scope="module")
def tried():
    with Tried() as running:
        yield running


@pytest.mark.parametrize("client", CLIENTS, ids=lambda client: f"{client.language}: {client.name}")
def test_the_pages_say_what_the_client_sees(tried, client):
    if client.language not in LANGUAGES and "all" not in LANGUAGES:
        pytest.skip(f"{client.language} is tried by ./dev ci --all-clients")
    try:
        cells = tried.cells(client)
    except NotInstalled as reason:
        pytest.skip(str(reason))
    for table in TABLES:
        assert table.rows().get(client.name) == table.row(client, cells), "./dev clients writes it"


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.mark)
def test_the_pages_name_each_client_and_no_other(table):
    assert list(table.rows()) == [client.name for client in CLIENTS]


def test_each_test_that_the_page_names_is_there():
    sources = "".join(path.read_text() for folder in ("src", "tests")
                      for pattern in ("*_test.cpp", "test_*.py") for path in (ROOT / folder).rglob(pattern))
    named = re.findall(r"`(?:(\w+)\.([A-Z]\w+)|(test_\w+))`", (ROOT / "docs/clients.md").read_text())
    assert len(named) > 30
    missing = [name or f"{suite}.{case}" for suite, case, name in named
               if not re.search(rf"def {name}\(" if name else rf"\({suite}, {case}\)", sources)]
    assert missing == []
