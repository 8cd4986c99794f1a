"""What a person does at the console, in the person's words."""

import re

from program import run, wait_until

PASSWORD = "a quiet lake at dawn"
PAGES = ["playground", "gallery", "usage", "limits", "keys", "people", "jobs", "models", "moderation", "audit"]


def press(page, name):
    page.get_by_role("button", name=name, exact=True).click()


def wait_for_page(page, name):
    page.wait_for_selector(f'[data-page="{name}"][data-ready]')


def go_to(page, name):
    page.evaluate("name => { location.hash = `#/${name}`; }", name)
    wait_for_page(page, name)


def become_owner(page, server, name="Ann Keller"):
    token = wait_until(lambda: re.search(r"claim_token=(\S+)", server.log_text()), "a token")[1]
    page.goto("/console")
    press(page, "Set up a new server")
    page.fill("[name=token]", token)
    page.fill("[name=name]", name)
    page.fill("[name=password]", PASSWORD)
    press(page, "Become the owner")
    page.wait_for_selector("[data-secret]")
    press(page, "I have kept it")
    wait_for_page(page, "playground")


def sign_in(page, name):
    page.goto("/console")
    page.fill("[name=name]", name)
    page.fill("[name=password]", PASSWORD)
    page.click("button.first")
    page.wait_for_selector(".rail")


def accept_invitation(page, key, name):
    page.goto("/console")
    press(page, "I was invited")
    page.fill("[name=key]", key)
    page.fill("[name=name]", name)
    page.fill("[name=password]", PASSWORD)
    press(page, "Choose and sign in")
    page.wait_for_selector(".rail")


def make_picture(page, prompt, number=1):
    go_to(page, "playground")
    page.fill("#prompt", prompt)
    page.fill("[name=n]", str(number))
    page.click("form button[type=submit]")
    page.wait_for_selector(f".shown:nth-child({number}) .plate .facts", timeout=60_000)


def make_key(page, name, **limits):
    """The whole key, as it is shown once."""
    go_to(page, "keys")
    page.click("button:text-matches('^New key|Make the first key$')")
    page.fill("dialog [name=name]", name)
    for field, value in limits.items():
        page.fill(f"dialog [name={field}]", str(value))
    page.click("dialog button.first")
    key = page.text_content("[data-secret]")
    press(page, "I have kept it")
    return key


def add_person(server, role, name):
    """As an operator does on the command line; the management key."""
    import json
    made = run("people", "create", "--name", name, "--role", role, "--json", "--data-dir", server.data_dir)
    assert made.returncode == 0, made.stderr
    return json.loads(made.stdout)["key"]
