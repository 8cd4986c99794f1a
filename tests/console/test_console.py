"""From the first run to the first picture and on, as people go."""

import base64
import os
import re
import shutil
import struct
import subprocess
import sys
import zlib

import pytest
import requests

from authority import Authority
from conftest import ROOT
from people import (PAGES, PASSWORD, accept_invitation, add_person, become_owner, go_to, make_key,
                    make_picture, press, sign_in, wait_for_page)
from clips import clip_model
from program import SLOW, stopped, wait_until

expect = pytest.importorskip("playwright.sync_api", reason="playwright of PyPI could not be installed").expect

PROMPT = "a red house beside two trees at night"


def png(size=64):
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    rows = b"".join(b"\0" + bytes((200, 30, 30)) * size for _ in range(size))
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", size, size, 8, 2, 0, 0, 0)) +
            chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b""))


def played(page):
    return page.evaluate("document.querySelector('dialog video')?.currentTime ?? 0")


def ticks(server):
    return sum(row[0] for row in server.query("SELECT cost_usd_ticks FROM charges"))


def test_from_the_first_run_to_the_first_picture(start_server, open_console):
    server = start_server()
    page = open_console(server.url)
    become_owner(page, server)
    make_picture(page, PROMPT)
    facts = page.text_content(".plate .facts")
    (seed,), = server.query("SELECT seed FROM pictures")
    assert f"seed {seed}" in facts and "$0.02" in facts and re.search(r"\d\ss", facts), facts
    assert page.evaluate("document.querySelector('.frame img').naturalWidth") == 1024
    go_to(page, "gallery")
    assert page.locator(".gallery .words").all_text_contents() == [PROMPT]


def test_previews_come_before_the_picture(start_server, open_console):
    server = start_server("--set", "models.grok-imagine-image.steps=24")
    page = open_console(server.url)
    become_owner(page, server)
    page.evaluate("""() => {
        window.seen = [];
        new MutationObserver(() => {
            const frame = document.querySelector('.frame');
            if (frame?.querySelector('img:not([hidden])')) seen.push(frame.classList.contains('rough'));
        }).observe(document.body, { subtree: true, childList: true, attributes: true });
    }""")
    make_picture(page, PROMPT)
    seen = page.evaluate("seen")
    assert seen[0] is True and seen[-1] is False


def test_the_dollars_change_to_the_tick(start_server, open_console):
    # A price whose last tick a floating-point number of dollars would lose.
    server = start_server("--set", "models.grok-imagine-image.price_usd=0.0200000001")
    page = open_console(server.url)
    become_owner(page, server)
    go_to(page, "usage")
    assert page.get_attribute("[data-total]", "data-total") == "0"
    make_picture(page, PROMPT, number=3)
    assert "$0.0200000001" in page.text_content(".plate .facts")
    go_to(page, "usage")
    assert page.get_attribute("[data-total]", "data-total") == str(ticks(server)) == "600000003"
    assert page.text_content("[data-total]") == "$0.0600000003"
    with page.expect_download() as download:
        page.click("text=Download CSV")
    assert "0.0600000003" in open(download.value.path()).read()


def test_models_that_talk_stand_beside_those_that_make_pictures(start_server, open_console, tmp_path):
    config = tmp_path / "talk.toml"
    config.write_text('[upstreams.there]\nbase_url = "http://127.0.0.1:9/v1"\nmodels = ["talker"]\n'
                      '[chats.pair]\ntalks = "talker"\nmakes = "grok-imagine-image"\n')
    server = start_server("--config", config)
    page = open_console(server.url)
    become_owner(page, server)
    go_to(page, "models")
    page.wait_for_selector("text=Models that talk")
    assert page.locator("li", has_text="talker").count() == 1 and page.locator("li", has_text="pair, with pictures by grok-imagine-image").count() == 1
    assert "$0.02 a picture" in page.text_content("main")
    assert "$0.05 a second, $0.07 at 720p" in page.text_content("main")


def test_a_key_is_made_used_changed_and_deleted(start_server, open_console):
    server = start_server()
    page = open_console(server.url)
    become_owner(page, server)
    key = make_key(page, "the website", usdPerDay="0.03")
    made = requests.post(f"{server.url}/v1/images/generations", headers=server.headers(key),
                         json={"prompt": PROMPT}, timeout=60)
    assert made.status_code == 200, made.text
    over = requests.post(f"{server.url}/v1/images/generations", headers=server.headers(key),
                         json={"prompt": "another one"}, timeout=60)
    assert over.status_code == 429, over.text
    go_to(page, "models")
    go_to(page, "keys")
    row = page.locator("tr", has_text="the website")
    assert "$0.03 a day" in row.text_content() and key[-10:] not in page.content()

    def listed():
        return requests.get(f"{server.url}/v1/models", headers=server.headers(key), timeout=10).status_code
    row.get_by_label("Disable").click()
    page.wait_for_selector("text=Disabled")
    assert listed() == 401
    row.get_by_label("Enable").click()
    page.wait_for_selector("tr:has-text('the website') >> text=Active")
    assert listed() == 200
    row.get_by_label("Rotate").click()
    page.select_option("dialog select", "0")
    page.click("dialog button.first")
    new = page.text_content("[data-secret]")
    press(page, "I have kept it")
    assert requests.get(f"{server.url}/v1/models", headers=server.headers(new), timeout=10).ok
    row.get_by_label("Delete").click()
    page.click("dialog button.first")
    row.wait_for(state="detached")
    assert requests.get(f"{server.url}/v1/models", headers=server.headers(new), timeout=10).status_code == 401


def test_a_limit_is_hit_more_is_asked_for_and_another_person_grants_it(start_server, open_console):
    server = start_server()
    owner = open_console(server.url)
    become_owner(owner, server)
    key = make_key(owner, "nightly posters", qpm=1)
    go_to(owner, "people")
    press(owner, "Invite somebody")
    owner.fill("dialog [name=name]", "Bo Lindgren")
    owner.select_option("dialog select", "member")
    owner.click("dialog button.first")
    invitation = owner.text_content("[data-secret]")
    press(owner, "I have kept it")

    def ask():
        return requests.post(f"{server.url}/v1/images/generations", headers=server.headers(key),
                             json={"prompt": PROMPT}, timeout=60)
    assert [ask().status_code, ask().status_code] == [200, 429]

    member = open_console(server.url)
    accept_invitation(member, invitation, "Bo Lindgren")
    go_to(member, "limits")
    assert "1 time" in member.get_by_role("row", name="nightly posters").first.text_content()
    assert "Too many requests" in member.text_content("main")
    member.get_by_label("Ask for more for nightly posters").click()
    member.fill("dialog [name=qpm]", "60")
    member.fill("dialog [name=reason]", "A launch on Monday")
    member.click("dialog button.first")
    member.wait_for_selector("text=An admin decides")
    assert member.get_by_label("Grant nightly posters").count() == 0

    go_to(owner, "limits")
    assert "A launch on Monday" in owner.text_content("main")
    owner.get_by_label("Grant nightly posters").click()
    owner.wait_for_selector("text=Waiting for a decision", state="detached")
    assert ask().status_code == 200
    go_to(owner, "audit")
    log = owner.text_content("main")
    assert "asked for more for nightly posters" in log and "granted more to nightly posters" in log


def test_an_edit_takes_dropped_pictures_and_the_one_just_made(start_server, open_console):
    # Of random weights: what counts is that the pictures reach it.
    server = start_server("--set", f"models.taker.path={ROOT / 'tests/golden/a1'}",
                          "--set", "models.taker.steps=1",
                          "--set", f"models.refuser.path={ROOT / 'tests/golden/b1'}",
                          "--set", "models.refuser.steps=1")
    page = open_console(server.url, watched=False)  # which calls the last answer an error
    become_owner(page, server)
    page.check("input[value='taker']", force=True)
    given = page.evaluate_handle("""text => {
        const bytes = Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
        const data = new DataTransfer();
        data.items.add(new File([bytes], "red.png", { type: "image/png" }));
        return data;
    }""", base64.b64encode(png()).decode())
    page.dispatch_event(".drop", "drop", {"dataTransfer": given})
    page.wait_for_selector(".thumbs img[alt='red.png']")
    page.fill("#prompt", PROMPT)
    assert "image[]=@reference-1.png" in page.text_content("[role=tabpanel]")
    page.click("form button[type=submit]")
    page.wait_for_selector(".plate .facts", timeout=60_000)
    assert server.query("SELECT kind FROM jobs") == [("edits",)]
    press(page, "Edit this picture")
    page.wait_for_selector(".thumbs li:nth-child(2)")
    page.check("input[value='refuser']", force=True)
    page.click("form button[type=submit]")
    page.wait_for_selector("form [role=alert]")  # it takes none, and says so


def run_typescript(code, packages):
    """Checks the types as strictly as tsc does, and runs it; as one command does that somebody types."""
    script = packages / "sample.mts"
    script.write_text(code, encoding="utf-8")
    return ["bash", "-c", 'cd "$0" && npx --no-install tsc --strict --module nodenext --target es2022 --types node '
            "--outDir made sample.mts && node made/sample.mjs", str(packages)]


@pytest.mark.parametrize("tab", ["curl", "Python openai", "Python requests", "Python xai-sdk", "TypeScript"])
def test_the_code_is_the_request_and_runs(tab, start_server, open_console, request):
    server = start_server()
    page = open_console(server.url)
    become_owner(page, server)
    page.fill("#prompt", "it's a \"red\" house")
    page.fill("[name=seed]", "7")
    page.check("input[value='16:9']", force=True)
    page.click(f"[role=tab]:has-text('{tab}')")
    press(page, "Copy")
    code = page.evaluate("navigator.clipboard.readText()").replace(":50051", f":{server.grpc.rpartition(':')[2]}")
    if tab == "curl":
        command = ["bash", "-c", code]
    elif tab == "TypeScript":
        command = run_typescript(code, request.getfixturevalue("node_packages"))
    else:
        command = [sys.executable, "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, timeout=100,
                          env=os.environ | {"IMAGINED_KEY": server.key})
    assert done.returncode == 0 and "/v1/files/img/" in done.stdout, (code, done)
    seed = None if "xai" in tab else 7  # which has no field of its own for it
    assert server.query("SELECT json_extract(payload, '$.prompt'), json_extract(payload, '$.seed'), "
                        "json_extract(payload, '$.aspect_ratio') FROM jobs") == [("it's a \"red\" house", seed, "16:9")]


def test_the_gallery_searches_revokes_and_deletes(start_server, open_console):
    server = start_server()
    page = open_console(server.url)
    become_owner(page, server)
    links = [server.generate(prompt=prompt).json()["data"][0]["url"] for prompt in (PROMPT, "a blue boat")]
    go_to(page, "gallery")
    page.fill("[type=search]", "BOAT")
    expect(page.locator(".gallery li")).to_have_count(1)
    assert page.url.endswith("search=BOAT")
    page.click(".gallery button")
    press(page, "Revoke links")
    page.click("dialog:last-of-type button.first")
    expect(page.locator("dialog")).to_have_count(0)
    assert requests.get(links[1], timeout=10).status_code == 404
    assert requests.get(links[0], timeout=10).status_code == 200
    page.click(".gallery button")
    press(page, "Delete")
    page.click("dialog:last-of-type button.first")
    expect(page.locator(".gallery li")).to_have_count(0)
    assert server.query("SELECT count(*) FROM pictures") == [(1,)]


def test_a_job_is_watched_while_it_runs(start_server, open_console):
    server = start_server(*SLOW)
    page = open_console(server.url)
    become_owner(page, server)
    requests.post(f"{server.url}/v1/images/generations", headers=server.headers(), timeout=10,
                  json={"prompt": PROMPT, "model": "slow", "n": 10, "deferred": True})
    wait_until(lambda: page.evaluate("fetch('/v1/teams/default/jobs').then((reply) => reply.json())"
                                     ".then(({ jobs: [job] }) => job.progress)"), "progress")
    with stopped(server.worker_pid()):  # it must not be done before the page looks
        go_to(page, "jobs")
        page.wait_for_selector("text=/step \\d+ of 100/")
        assert "CPU" in page.text_content("main")


def test_a_page_needs_a_session_and_says_when_it_has_ended(start_server, open_console):
    server = start_server()
    page = open_console(server.url)
    become_owner(page, server)
    cookie, = page.context.cookies()
    assert cookie["httpOnly"] and cookie["sameSite"] == "Strict"
    assert page.evaluate("document.cookie") == ""
    requests.delete(f"{server.url}/auth/session", timeout=10, cookies={"imagined_session": cookie["value"]},
                    headers={"x-csrf-token": page.evaluate(
                        "fetch('/auth/session').then((reply) => reply.json()).then((it) => it.csrfToken)")})
    page.evaluate("location.hash = '#/keys'")
    page.wait_for_selector("text=not signed in any more")
    page.fill("[name=name]", "ann keller")
    page.fill("[name=password]", PASSWORD)
    page.click("button.first")
    wait_for_page(page, "keys")


def test_a_page_elsewhere_can_send_nothing_with_the_cookie(start_server, open_console):
    """Another port of the same host is the same site: SameSite alone would let its requests pass."""
    server, other = start_server(), start_server()
    page = open_console(server.url, watched=False)
    become_owner(page, server)
    key = make_key(page, "the website")
    (key_id,), = server.query("SELECT id FROM api_keys WHERE name = 'the website'")
    path = f"/auth/api-keys/{key_id}/capacity-request/deny"
    page.goto(other.url + "/healthz")
    sent = page.evaluate("""url => fetch(url, { method: "POST", mode: "no-cors", credentials: "include" })
        .then((reply) => reply.type)""", server.url + path)
    assert sent == "opaque"  # it has arrived, and may not be read
    line, = [line for line in server.log_text().splitlines() if "capacity-request/deny" in line]
    assert "status=403" in line and requests.get(server.url + "/v1/models", timeout=10,
                                                 headers=server.headers(key)).ok


def test_a_prompt_is_a_text_and_never_markup(start_server, open_console):
    server = start_server()
    page = open_console(server.url)
    become_owner(page, server)
    evil = "<img src=x onerror=\"document.title='owned'\"><b>house</b>"
    server.generate(prompt=evil)
    for name in ("gallery", "jobs"):
        go_to(page, name)
        assert evil in page.text_content("main")
    assert page.evaluate("document.title") != "owned"


def test_no_script_of_others_runs(start_server, open_console):
    server = start_server()
    page = open_console(server.url, watched=False)
    page.goto("/console")
    page.wait_for_selector("form")
    blocked = page.evaluate("""() => new Promise((done) => {
        document.addEventListener("securitypolicyviolation", (event) => done(event.effectiveDirective));
        const script = document.createElement("script");
        script.textContent = "window.owned = true";
        document.head.append(script);
    })""")
    assert blocked.startswith("script-src") and page.evaluate("window.owned") is None


def test_the_first_page_is_small_and_quick(start_server, open_console):
    server = start_server()
    page = open_console(server.url)
    become_owner(page, server)
    page.context.clear_cookies()
    page.goto("/console")
    page.wait_for_selector("form")
    facts = page.evaluate("""() => {
        const all = [...performance.getEntriesByType("resource"), performance.getEntriesByType("navigation")[0]];
        return { bytes: all.reduce((sum, each) => sum + each.encodedBodySize, 0),
                 ms: performance.getEntriesByType("navigation")[0].responseEnd };
    }""")
    assert facts["bytes"] <= 150_000, facts
    print("first page:", facts)


def test_every_page_can_be_walked_by_keyboard(start_server, open_console):
    server = start_server()
    page = open_console(server.url)
    become_owner(page, server)
    page.reload()
    wait_for_page(page, "playground")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to the page"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"
    page.focus("#prompt")
    page.keyboard.type(PROMPT)
    page.keyboard.press("Control+Enter")
    page.wait_for_selector(".plate .facts")
    go_to(page, "keys")
    page.get_by_text("New key").focus()
    page.keyboard.press("Enter")
    page.wait_for_selector("dialog")
    page.keyboard.press("Escape")
    page.wait_for_selector("dialog", state="detached")


def test_axe_finds_nothing_serious(start_server, open_console, axe):
    server = start_server()
    page = open_console(server.url, bypass_csp=True)
    page.goto("/console")
    page.wait_for_selector("form")
    check(page, axe, "the door")
    become_owner(page, server)
    make_key(page, "the website", qpm=60)
    server.generate()
    for name in PAGES:
        go_to(page, name)
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)
            check(page, axe, f"{name}, {scheme}")
    go_to(page, "keys")
    press(page, "New key")
    check(page, axe, "a dialog")


def check(page, axe, where):
    page.evaluate(axe)
    found = page.evaluate("axe.run({ resultTypes: ['violations'] })")["violations"]
    bad = [(each["id"], each["impact"], [node["html"][:160] for node in each["nodes"]][:3]) for each in found
           if each["impact"] in ("serious", "critical")]
    assert not bad, (where, bad)


def test_no_page_is_wider_than_its_window(start_server, open_console):
    server = start_server()
    page = open_console(server.url)
    become_owner(page, server)
    add_person(server, "member", "bo")
    server.generate()
    for name in PAGES:
        go_to(page, name)
        for width in (360, 768, 1360, 3840):
            page.set_viewport_size({"width": width, "height": 900})
            over = page.evaluate("document.documentElement.scrollWidth - innerWidth")
            assert over <= 0, (name, width, over)


@pytest.mark.skipif(shutil.which("openssl") is None, reason="no openssl to make certificates with")
def test_with_tls_the_session_is_sent_by_tls_alone(start_server, open_console, tmp_path):
    certificate, key = Authority(tmp_path).issue("server")
    server = start_server("--tls-certificate-file", certificate, "--tls-key-file", key)
    page = open_console(server.url, ignore_https_errors=True)  # no browser knows the authority
    become_owner(page, server)
    make_picture(page, PROMPT)
    assert [(cookie["name"], cookie["secure"], cookie["httpOnly"], cookie["sameSite"]) for cookie in page.context.cookies()
            ] == [("imagined_session", True, True, "Strict")]


def test_a_second_sign_in_is_by_name(start_server, open_console):
    server = start_server()
    become_owner(open_console(server.url), server, name="Ann")
    page = open_console(server.url)
    sign_in(page, "ANN")
    assert "owner" in page.text_content(".who")
    press(page, "Sign out")
    page.wait_for_selector(".door")
    page.reload()
    page.wait_for_selector(".door")


def test_a_server_for_videos_alone_says_so_at_the_playground(start_server, open_console, tmp_path):
    config = tmp_path / "imagined.toml"
    config.write_text(f'[models.clips]\npath = "{clip_model(tmp_path)}"\nmakes = "videos"\n'
                      'price_second_usd = "0.05"\n')
    server = start_server("--config", config)
    page = open_console(server.url)
    become_owner(page, server)
    expect(page.get_by_text("clips makes videos, which programs ask for.")).to_be_visible()


def test_a_picture_becomes_a_clip_that_plays_and_stands_in_the_gallery(start_server, open_console, tmp_path):
    server = start_server("--set", f"models.clips.path={clip_model(tmp_path)}", "--set", "models.clips.steps=1",
                          "--set", "models.clips.price_second_usd=0.05")
    page = open_console(server.url)
    become_owner(page, server)
    make_picture(page, PROMPT)
    press(page, "Make a clip")
    page.fill("[name=words]", "the house grows")
    page.fill("[name=duration]", "2")
    press(page, "Make")
    wait_until(lambda: played(page) > 0.5, "a clip that plays", seconds=60)
    assert page.evaluate("(({videoWidth, videoHeight, duration}) => [videoWidth, videoHeight, duration])"
                         "(document.querySelector('dialog video'))") == [480, 480, 2]
    assert "$0.10" in page.text_content("dialog")
    press(page, "Close")
    go_to(page, "gallery")
    assert page.locator(".gallery .words").all_text_contents() == ["the house grows", PROMPT]
    page.click(".gallery li:first-child button")
    wait_until(lambda: played(page) > 0.2, "a clip that plays in the gallery", seconds=60)
