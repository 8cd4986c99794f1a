"""People sign in with a password, and what a session may do; what a team sees of its work."""

import re

import pytest
import requests

from program import PROMPT, run, wait_until
from test_people import Person

PASSWORD = "a quiet lake at dawn"
TEAM = "/v1/teams/default"


class Browser:
    """Keeps cookies and sends what the console's pages would send."""

    def __init__(self, server):
        self.url, self.session, self.csrf = server.url, requests.Session(), None

    def ask(self, method, path, body=None, headers=None):
        mine = {"x-csrf-token": self.csrf} if self.csrf and method != "GET" else {}
        return self.session.request(method, self.url + path, json=body, timeout=60,
                                    headers=mine | (headers or {}))

    def sign_in(self, name, password=PASSWORD):
        reply = self.ask("POST", "/auth/session", {"name": name, "password": password})
        if reply.ok:
            self.csrf = reply.json()["csrfToken"]
        return reply


def person(server, role, name):
    """Somebody who was invited and has chosen a password."""
    made = Person(server, role)
    chosen = made.ask("PUT", "/auth/password", name=name, password=PASSWORD)
    assert chosen.status_code == 200, chosen.text
    browser = Browser(server)
    assert browser.sign_in(name).status_code == 200
    return browser


def test_the_first_owner_signs_in_with_the_token_and_then_by_name(start_server):
    server = start_server()
    token = wait_until(lambda: re.search(r"claim_token=(\S+)", server.log_text()), "a token")[1]
    browser = Browser(server)
    weak = browser.ask("POST", "/auth/first-owner", {"token": token, "name": "ann", "password": "short"})
    assert weak.status_code == 400 and weak.json()["error"]["param"] == "password"
    begun = browser.ask("POST", "/auth/first-owner", {"token": token, "name": "Ann", "password": PASSWORD})
    assert begun.status_code == 200, begun.text
    facts = begun.json()
    assert facts["role"] == "owner" and facts["managementKey"].startswith("imk_")
    assert browser.ask("GET", "/auth/session").json()["personId"] == facts["personId"]
    again = Browser(server)
    assert again.sign_in(" ANN ").json()["personId"] == facts["personId"]
    assert PASSWORD not in server.log_text()
    (stored,), = server.query("SELECT hash FROM logins")
    assert stored.startswith("$argon2id$v=19$m=19456,t=2,p=1$")


def test_the_cookie_is_out_of_reach_and_not_what_is_stored(start_server):
    server = start_server()
    browser = person(server, "member", "ann")
    cookie = browser.sign_in("ann").headers["set-cookie"]
    assert re.fullmatch(r"imagined_session=\w{43}; Path=/; Max-Age=43200; HttpOnly; SameSite=Strict", cookie)
    token = cookie.split("=")[1].split(";")[0]
    assert all(token not in row[0] for row in server.query("SELECT hash FROM sessions"))


def test_a_session_makes_pictures_and_pays_for_them(start_server):
    server = start_server()
    browser = person(server, "member", "ann")
    made = browser.ask("POST", "/v1/images/generations", {"prompt": PROMPT})
    assert made.status_code == 200, made.text
    cost = made.json()["usage"]["cost_in_usd_ticks"]
    me = browser.ask("GET", "/auth/session").json()["personId"]
    rows = browser.ask("GET", "/v1/billing/teams/default/usage").json()["usage"]
    assert [(row["key_id"], row["cost_in_usd_ticks"]) for row in rows] == [(me, cost)]
    budgets = browser.ask("GET", "/v1/billing/teams/default/budgets").json()
    assert budgets["today"]["usedUsdTicks"] == budgets["thisMonth"]["usedUsdTicks"] == cost
    assert budgets["rates"] == {"qps": 5, "qpm": 300}


def test_what_changes_something_needs_the_token_against_forged_requests(start_server):
    server = start_server()
    browser = person(server, "admin", "ann")
    right = browser.csrf
    for wrong in (None, "", "0" * 64, right[:-1], right.upper()):
        browser.csrf = wrong
        for method, path, body in (("POST", "/auth/teams/default/api-keys", {"name": "x"}),
                                   ("POST", "/v1/images/generations", {"prompt": PROMPT}),
                                   ("PUT", "/auth/password", {"name": "x", "password": PASSWORD}),
                                   ("DELETE", "/auth/session", None)):
            reply = browser.ask(method, path, body)
            assert reply.status_code == 403, (method, path, wrong, reply.text)
    assert browser.ask("GET", "/auth/teams/default/api-keys").status_code == 200
    browser.csrf = right
    assert browser.ask("POST", "/auth/teams/default/api-keys", {"name": "x"}).status_code == 200
    assert not server.query("SELECT 1 FROM jobs")


def test_a_key_wins_over_a_cookie_and_needs_no_token(start_server):
    server = start_server()
    browser = person(server, "member", "ann")
    browser.csrf = None
    made = browser.ask("POST", "/v1/images/generations", {"prompt": PROMPT}, server.headers())
    assert made.status_code == 200, made.text
    assert browser.ask("GET", "/auth/session", headers=server.headers()).status_code == 404


def test_signing_out_ends_the_session_everywhere_it_was_copied_to(start_server):
    server = start_server()
    browser = person(server, "member", "ann")
    copied = dict(browser.session.cookies)
    ended = browser.ask("DELETE", "/auth/session")
    assert ended.status_code == 200 and "Max-Age=0" in ended.headers["set-cookie"]
    assert requests.get(server.url + "/auth/session", cookies=copied, timeout=10).status_code == 401


def test_roles_are_those_of_keys(start_server):
    server = start_server()
    member, admin, owner = (person(server, role, role) for role in ("member", "admin", "owner"))
    wish = {"name": "new"}
    assert member.ask("POST", "/auth/teams/default/api-keys", wish).status_code == 401
    key = admin.ask("POST", "/auth/teams/default/api-keys", wish).json()
    assert admin.ask("GET", "/audit/teams/default/events").status_code == 401
    invited = {"name": "dee", "role": "member"}
    assert admin.ask("POST", "/auth/teams/default/people", invited).status_code == 401
    assert owner.ask("POST", "/auth/teams/default/people", invited).json()["apiKey"]
    assert len(member.ask("GET", "/auth/teams/default/people").json()["people"]) == 4
    capacity = f"/auth/api-keys/{key['apiKeyId']}/capacity-request"
    asked = member.ask("POST", capacity, {"qpm": 600, "reason": "a launch"})
    assert asked.json()["capacityRequest"]["qpm"] == 600
    assert member.ask("POST", capacity + "/grant").status_code == 401
    assert admin.ask("POST", capacity + "/grant").status_code == 200
    actions = [event["description"].split()[0] for event in
               owner.ask("GET", "/audit/teams/default/events").json()["events"]]
    assert {"session.begin", "password.set", "capacity.ask", "capacity.grant"} <= set(actions)
    for other in ("pictures", "jobs", "blocked", "refusals"):
        assert member.ask("GET", f"{TEAM}/{other}").status_code == 200
        assert member.ask("GET", f"/v1/teams/other/{other}").status_code == 404
        assert requests.get(f"{server.url}{TEAM}/{other}", headers=server.headers(),
                            timeout=10).status_code == 401


def test_guessing_is_slowed_down_and_tells_nothing(start_server):
    server = start_server()
    person(server, "member", "ann")
    stranger = Browser(server)
    unknown, wrong = stranger.sign_in("bob", "x"), stranger.sign_in("ann", "x")
    assert unknown.status_code == wrong.status_code == 401
    assert unknown.json()["error"]["message"] == wrong.json()["error"]["message"]
    codes = [stranger.sign_in("ann", "x").status_code for _ in range(6)]
    assert codes[-1] == 429
    late = stranger.sign_in("ann")
    assert late.status_code == 429 and 0 < int(late.headers["retry-after"]) <= 60


def test_a_person_who_is_removed_is_out_at_once(start_server):
    server = start_server()
    browser = person(server, "member", "ann")
    who = browser.ask("GET", "/auth/session").json()["personId"]
    gone = run("people", "delete", who, "--yes", "--data-dir", server.data_dir)
    assert gone.returncode == 0, gone.stderr
    assert browser.ask("GET", TEAM + "/pictures").status_code == 401
    assert browser.sign_in("ann").status_code == 401


def test_a_session_outlives_a_restart(start_server, tmp_path):
    server = start_server(data_dir=tmp_path / "kept")
    browser = person(server, "member", "ann")
    server.__exit__(None, None, None)
    browser.url = start_server(data_dir=tmp_path / "kept").url
    assert browser.ask("GET", "/auth/session").status_code == 200


def test_the_gallery_finds_revokes_and_deletes(start_server):
    server = start_server()
    browser = person(server, "admin", "ann")
    urls = [server.generate(prompt=prompt, seed=7).json()["data"][0]["url"]
            for prompt in ("a red house", "a Blue boat", "a green tree")]
    page = browser.ask("GET", TEAM + "/pictures?pageSize=2").json()
    assert [row["prompt"] for row in page["pictures"]] == ["a green tree", "a Blue boat"]
    rest = browser.ask("GET", f"{TEAM}/pictures?pageToken={page['nextPageToken']}").json()
    assert [row["prompt"] for row in rest["pictures"]] == ["a red house"] and "nextPageToken" not in rest
    found = browser.ask("GET", TEAM + "/pictures?search=bLUE").json()["pictures"]
    assert [(row["seed"], row["usd"]) for row in found] == [("7", "0.02")]
    assert requests.get(found[0]["url"], timeout=10).content == requests.get(urls[1], timeout=10).content
    fresh = browser.ask("POST", f"{TEAM}/pictures/{found[0]['id']}/revoke-links").json()
    assert requests.get(urls[1], timeout=10).status_code == 404
    assert requests.get(fresh["url"], timeout=10).status_code == 200
    assert browser.ask("DELETE", f"{TEAM}/pictures/{fresh['id']}").status_code == 200
    assert requests.get(fresh["url"], timeout=10).status_code == 404
    assert browser.ask("DELETE", f"{TEAM}/pictures/{fresh['id']}").status_code == 404
    member = person(server, "member", "bob")
    theirs = page["pictures"][0]["id"]
    assert member.ask("DELETE", f"{TEAM}/pictures/{theirs}").status_code == 401


def test_nobody_learns_of_the_names_of_another_team(start_server):
    server = start_server()
    person(server, "member", "ann")
    made = Person(server, "owner", team="other")
    taken = made.ask("PUT", "/auth/password", name="ann", password="another lake at dusk")
    free = made.ask("PUT", "/auth/password", name="bob", password="another lake at dusk")
    assert (taken.status_code, taken.text) == (free.status_code, free.text)
    made.ask("PUT", "/auth/password", name="ann", password="another lake at dusk")
    theirs, ours = Browser(server), Browser(server)
    assert theirs.sign_in("ann", "another lake at dusk").json()["teamId"] == "other"
    assert ours.sign_in("ann").json()["teamId"] == "default"
    # Of one's own team one may know.
    same = Person(server, "member").ask("PUT", "/auth/password", name="ann", password="a third lake at noon")
    assert same.status_code == 400 and same.json()["error"]["param"] == "name"


def test_jobs_say_how_they_stand(start_server):
    server = start_server()
    browser = person(server, "member", "ann")
    server.generate(prompt="a red house")
    job, = browser.ask("GET", TEAM + "/jobs").json()["jobs"]
    assert (job["state"], job["prompt"], job["pictures"]) == ("succeeded", "a red house", 1)
    work = browser.ask("GET", "/v1/workers").json()
    assert (work["queued"], work["running"]) == (0, 0)
    worker, = work["workers"]
    assert worker["device"] == "cpu" and worker["ready"] and worker["memoryBytes"] > 1e6


def test_a_running_job_tells_its_steps(start_server):
    from program import SLOW
    server = start_server(*SLOW)
    browser = person(server, "member", "ann")
    requests.post(f"{server.url}/v1/images/generations", headers=server.headers(), timeout=10,
                  json={"prompt": PROMPT, "model": "slow", "deferred": True})

    def progress():
        job, = browser.ask("GET", TEAM + "/jobs").json()["jobs"]
        return job.get("progress")
    assert wait_until(progress, "progress")["steps"] == 100


def test_what_limits_and_moderation_refuse_is_listed(start_server):
    server = start_server()
    browser = person(server, "member", "ann")
    key = server.make_key("--name", "narrow", "--per-minute", 1)
    headers = server.headers(key["key"])
    for _ in range(2):
        last = requests.post(f"{server.url}/v1/images/generations", json={"prompt": PROMPT},
                             headers=headers, timeout=60)
    assert last.status_code == 429
    refusal, = browser.ask("GET", TEAM + "/refusals").json()["refusals"]
    assert refusal["keyId"] == key["id"] and refusal["message"] == last.json()["error"]["message"]
    assert browser.ask("GET", TEAM + "/blocked").json()["events"] == []


@pytest.mark.parametrize("path", ["/console", "/console/app.js", "/console/style.css", "/console/pages/keys.js"])
def test_pages_are_checked_by_their_etag_and_load_nothing_from_elsewhere(server, path):
    reply = requests.get(server.url + path, timeout=10)
    assert reply.status_code == 200
    policy = reply.headers["content-security-policy"]
    assert "default-src 'none'" in policy and "unsafe" not in policy and "http" not in policy
    assert not re.search(r"https?://(?!www\.w3\.org/2000/svg)(?!example\.com)[a-z]", reply.text)
    again = requests.get(server.url + path, headers={"If-None-Match": reply.headers["etag"]}, timeout=10)
    assert (again.status_code, again.content) == (304, b"")
    part = requests.get(server.url + path, headers={"Range": "bytes=0-3"}, timeout=10)
    assert (part.status_code, part.content) == (206, reply.content[:4])


def test_the_console_has_no_other_pages(server):
    for name in ("nothing.js", "../secrets", "pages", "%2e%2e/x", ""):
        assert requests.get(f"{server.url}/console/{name}", timeout=10).status_code == 404, name
