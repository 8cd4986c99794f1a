"""Each client sees what docs/clients.md says of it."""

import pytest

from table import CLIENTS, PAGE, PARTS, NotInstalled, Tried, row, rows


@pytest.fixture(scope="module")
def tried():
    with Tried() as running:
        yield running


@pytest.mark.parametrize("client", CLIENTS, ids=lambda client: f"{client.language}: {client.name}")
def test_the_page_says_what_the_client_sees(tried, client):
    try:
        cells = tried.cells(client)
    except NotInstalled as reason:
        pytest.skip(str(reason))
    page = PAGE.read_text()
    for part, calls in PARTS.items():
        assert rows(page, part).get(client.name) == row(client, calls, cells), "./dev clients writes it"


@pytest.mark.parametrize("part", PARTS)
def test_the_page_names_no_client_that_nobody_tries(part):
    assert set(rows(PAGE.read_text(), part)) <= {client.name for client in CLIENTS}
