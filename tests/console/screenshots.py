#!/usr/bin/env python3
"""Every page on a server with some weeks behind it, light, dark and on a telephone, to look at
(build/screenshots), and the pictures of docs/console.md among them. As the tests, with the same packages:

    PROGRAM=build/release/imagined build/venv/bin/python tests/console/screenshots.py [PAGE...]
"""

import datetime
import io
import pathlib
import random
import sqlite3
import sys
import tempfile
import time

import requests
from PIL import Image
from playwright.sync_api import sync_playwright

sys.path[:0] = [str(pathlib.Path(__file__).resolve().parent), str(pathlib.Path(__file__).resolve().parents[1] / "e2e")]

from conftest import BROWSER, ROOT  # noqa: E402
from people import PAGES, accept_invitation, become_owner, go_to, make_key, make_picture, press  # noqa: E402
from program import PAPERLAND, Server  # noqa: E402

OUT, DOCS = ROOT / "build/screenshots", ROOT / "docs/images"
SHOWN = ("console-playground-light.png", "console-usage-light.png")  # by the documents
LOOKS = {"light": {"viewport": {"width": 1280, "height": 860}}, "dark": {"viewport": {"width": 1280, "height": 860}},
         "360": {"viewport": {"width": 360, "height": 780}}}
PROMPTS = ["a red house in the snow at night", "a fox in the forest in the morning", "a white sailboat at sea",
           "a sunflower in a meadow", "a palm tree on the beach at sunset", "a yellow car in the desert during the day",
           "a blue fish at sea", "a cat in the snow", "a purple umbrella in the rain", "a castle in the mountains"]
COLOURS, OWN = 128, 40
# Slow enough to be seen at work.
STUDIO = ("--set", f"models.poster-studio.path={PAPERLAND}", "--set", "models.poster-studio.steps=100",
          "--set", "models.poster-studio.price_usd=0.07")


def spend(server, keys):
    """Four weeks of orders by two programs, written into the books of this server of pictures."""
    rng = random.Random(7)
    database = sqlite3.connect(server.data_dir / "imagined.db", timeout=10)
    now = datetime.datetime.now(datetime.timezone.utc)
    for back in range(1, 29):
        day = now - datetime.timedelta(days=back)
        for model, price in (("grok-imagine-image", 200_000_000), ("grok-imagine-image-quality", 500_000_000)):
            for place, key in enumerate(keys):
                many = rng.randint(0, 36 >> place) if day.weekday() < 5 else rng.randint(0, 8)
                for number in range(many):
                    database.execute(
                        "INSERT INTO charges (id, org_id, team_id, key_id, user, model, per_picture_usd_ticks, once_usd_ticks,"
                        " pictures, held_usd_ticks, policy, day, created_ms, outcome, paid_pictures, cost_usd_ticks, resolved_ms)"
                        " VALUES (?, 'default', 'default', ?, '', ?, ?, 0, 1, 0, 'delivered_only', ?, ?, 'delivered', 1, ?, ?)",
                        (f"shown-{back}-{model}-{place}-{number}", key, model, price, day.date().isoformat(),
                         int(day.timestamp() * 1000), price, int(day.timestamp() * 1000)))
    database.commit()
    database.close()


def live(server, owner):
    """What people and programs do on a busy day."""
    website = make_key(owner, "the website", usdPerMonth="100.00")
    posters = make_key(owner, "nightly posters", qpm=2)
    make_key(owner, "old prototype")
    go_to(owner, "people")
    for name, role in (("Bo Lindgren", "admin"), ("Cem Aydin", "member")):
        press(owner, "Invite somebody")
        owner.fill("dialog [name=name]", name)
        owner.select_option("dialog select", role)
        owner.click("dialog button.first")
        invitation = owner.text_content("[data-secret]")
        press(owner, "I have kept it")
        other = owner.context.browser.new_context(base_url=server.url).new_page()
        accept_invitation(other, invitation, name)
    go_to(other, "limits")
    other.get_by_label("Ask for more for nightly posters").click()
    other.fill("dialog [name=qpm]", "60")
    other.fill("dialog [name=reason]", "The autumn campaign")
    other.click("dialog button.first")
    other.wait_for_selector("text=An admin decides")

    def ask(key, **body):
        return requests.post(f"{server.url}/v1/images/generations", json=body, headers=server.headers(key), timeout=300)
    for number, prompt in enumerate(PROMPTS):
        while (made := ask(website, prompt=prompt, seed=number + 11, model="grok-imagine-image-quality")).status_code == 429:
            time.sleep(int(made.headers["retry-after"]))  # a machine that is quicker than a key may be
        assert made.ok
    for number in range(5):
        ask(posters, prompt=PROMPTS[number])
    for key in (website, posters):
        ask(key, prompt="a naked child")  # which nobody makes
    test, = [row["id"] for row in server.keys("list")["keys"] if row["name"] == "test"]
    server.keys("delete", test, "--yes")
    go_to(owner, "keys")
    owner.get_by_label("Disable old prototype").click()
    owner.wait_for_selector("text=Disabled")
    spend(server, [row["id"] for row in server.keys("list")["keys"] if row["name"] in ("the website", "nightly posters")])
    return website


def small(picture, of_pictures):
    """In few colours, of which those that the page itself is made of stay what they are."""
    own = [part for _, colour in sorted(picture.getcolors(1 << 24), reverse=True)[:OWN] for part in colour]
    others = (256 if of_pictures else COLOURS) - len(own) // 3
    palette = Image.new("P", (1, 1))
    palette.putpalette(picture.quantize(others).getpalette()[:3 * others] + own)
    return picture.quantize(palette=palette, dither=Image.Dither.FLOYDSTEINBERG if of_pictures else Image.Dither.NONE)


def shoot(page, name, look):
    page.wait_for_load_state("networkidle")
    page.evaluate("document.fonts.ready")
    page.evaluate("""Promise.all([...document.images]
        .filter((each) => each.getBoundingClientRect().top < innerHeight).map((each) => each.decode().catch(() => {})))""")
    picture = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
    file = f"console-{name}-{look}.png"
    OUT.mkdir(parents=True, exist_ok=True)
    small(picture, of_pictures=name in ("gallery", "picture", "playground")).save(
        (DOCS if file in SHOWN else OUT) / file, optimize=True)


def main():
    wanted = sys.argv[1:] or ["door", *PAGES, "picture"]
    folder = tempfile.TemporaryDirectory()
    with sync_playwright() as player, Server(folder.name, *STUDIO) as server:
        browser = player.chromium.launch(executable_path=BROWSER, args=["--no-sandbox"])
        owner = browser.new_context(base_url=server.url, locale="en-GB").new_page()
        become_owner(owner, server)
        website = live(server, owner)
        state = owner.context.storage_state()
        pages = []
        for look, options in LOOKS.items():
            scheme = "dark" if look == "dark" else "light"
            stranger = browser.new_context(base_url=server.url, color_scheme=scheme, **options).new_page()
            stranger.goto("/console")
            stranger.wait_for_selector("form")
            if "door" in wanted:
                shoot(stranger, "door", look)
            page = browser.new_context(base_url=server.url, color_scheme=scheme, locale="en-GB", storage_state=state, **options).new_page()
            page.goto("/console")
            page.wait_for_selector(".rail")
            pages.append((page, look))
            for name in [each for each in PAGES if each in wanted and each != "jobs"]:
                if name == "playground":
                    go_to(page, name)
                    page.check("input[value='4:3']", force=True)
                    page.check("input[value='grok-imagine-image-quality']", force=True)
                    page.fill("[name=seed]", "11")
                    make_picture(page, PROMPTS[0])
                    page.evaluate("scrollTo(0, 0)" if look != "360" else "document.querySelector('.wall').scrollIntoView()")
                else:
                    go_to(page, name)
                shoot(page, name, look)
            if "picture" in wanted:
                go_to(page, "gallery")
                page.click(".gallery li:nth-child(4) button")
                page.wait_for_selector("dialog img")
                shoot(page, "picture", look)
        for number in (2, 1) if "jobs" in wanted else ():
            requests.post(f"{server.url}/v1/images/generations", headers=server.headers(website), timeout=10,
                          json={"prompt": PROMPTS[number], "model": "poster-studio", "n": 10, "deferred": True})
        for page, look in pages if "jobs" in wanted else ():
            page.reload()
            go_to(page, "jobs")
            page.wait_for_selector("text=/step \\d+ of/")
            shoot(page, "jobs", look)
        browser.close()


if __name__ == "__main__":
    main()
