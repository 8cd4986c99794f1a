"""A real browser on the real program. Debian's chromium is driven by playwright, which brings no browser of
its own here; axe-core comes from npm. What this machine has not got, the tests name when they are skipped."""

import os
import pathlib
import shutil
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests/e2e"), str(pathlib.Path(__file__).parent)]

from program import BINARY  # noqa: E402
from servers import no_proxy, start_server  # noqa: E402, F401

BROWSER = os.environ.get("CHROMIUM") or shutil.which("chromium") or "/usr/bin/chromium"
PACKAGES = ROOT / "build/console"


def missing():
    if not BINARY.exists():
        return f"{BINARY} is not built"
    if not pathlib.Path(BROWSER).exists():
        return "Debian's package chromium is not installed"
    return None


def pytest_collection_modifyitems(items):
    why = missing()
    for item in items if why else ():
        item.add_marker(pytest.mark.skip(reason=why))


@pytest.fixture(scope="session")
def node_packages():
    """The folder in which the packages of package.json are installed."""
    pins, have = pathlib.Path(__file__).with_name("package.json"), PACKAGES / "installed.json"
    if not have.exists() or have.read_bytes() != pins.read_bytes():
        if not shutil.which("npm"):
            pytest.skip("npm is not installed")
        PACKAGES.mkdir(parents=True, exist_ok=True)
        shutil.copy(pins, PACKAGES)
        done = subprocess.run(["npm", "install", "--silent", "--no-audit", "--no-fund"], capture_output=True,
                              text=True, cwd=PACKAGES)
        if done.returncode != 0:
            pytest.skip(f"the packages could not be installed: {done.stderr.strip()[-200:]}")
        shutil.copy(pins, have)
    return PACKAGES


@pytest.fixture(scope="session")
def axe(node_packages):
    """The text of axe-core."""
    return (node_packages / "node_modules/axe-core/axe.min.js").read_text(encoding="utf-8")


@pytest.fixture(scope="session")
def chromium():
    from playwright.sync_api import sync_playwright
    with sync_playwright() as player:
        # As root, which tests in a container are, chromium starts without its own sandbox only.
        sandbox = [] if os.geteuid() else ["--no-sandbox"]
        browser = player.chromium.launch(executable_path=BROWSER, args=sandbox)
        yield browser
        browser.close()


@pytest.fixture
def open_console(chromium):
    """A person's own window on a server; what its console complains of fails the test."""
    windows, said = [], []

    def open_window(url, watched=True, **options):
        options.setdefault("viewport", {"width": 1360, "height": 900})
        context = chromium.new_context(base_url=url, locale="en-GB", **options)
        context.set_default_timeout(20_000)
        context.grant_permissions(["clipboard-read", "clipboard-write"])
        page = context.new_page()
        if watched:
            page.on("pageerror", lambda error: said.append(str(error)))
            page.on("console", lambda line: said.append(line.text) if line.type == "error" else None)
        windows.append(context)
        return page

    yield open_window
    for context in windows:
        context.close()
    # A page asks whether somebody is signed in, and whether a model makes videos; the browser calls
    # the answer "no" an error.
    surprises = [line for line in said if "status of 401" not in line and "status of 501" not in line]
    assert not surprises, surprises
