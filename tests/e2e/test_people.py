"""People look after keys: the paths of xAI's management API."""

import concurrent.futures
import itertools
import json
import re

import pytest
import requests

from program import PROMPT, run


NUMBERS = itertools.count(1)


class Person:
    def __init__(self, server, role, team="default"):
        made = run("people", "create", "--name", f"{role} {next(NUMBERS)}", "--role", role, "--team", team, "--json",
                   "--data-dir", server.data_dir)
        assert made.returncode == 0, made.stderr
        facts = json.loads(made.stdout)
        assert facts["role"] == role
        self.id, self.key = facts["id"], facts["key"]
        self.url, self.headers = server.url, server.headers(self.key)

    def ask(self, method, path, **body):
        return requests.request(method, self.url + path, headers=self.headers, timeout=10,
                                **({"json": body} if method in ("POST", "PUT") else {}))


KEYS = "/auth/teams/default/api-keys"


@pytest.fixture(scope="module")
def owner(server):
    return Person(server, "owner")


def may_list_models(server, key):
    return server.get("/v1/models", headers=server.headers(key)).status_code == 200


def test_a_key_made_by_an_admin_works_until_it_is_disabled_rotated_and_deleted(server):
    admin = Person(server, "admin")
    made = admin.ask("POST", KEYS, name="app", qpm=60,
                     acls=["api-key:endpoint:models", "api-key:model:*"]).json()
    key_id, key = made["apiKeyId"], made["apiKey"]
    assert may_list_models(server, key)
    listed = admin.ask("GET", KEYS).json()["apiKeys"]
    row = next(row for row in listed if row["apiKeyId"] == key_id)
    assert row["qpm"] == 60 and "apiKey" not in row and key not in json.dumps(listed)

    path = f"/auth/api-keys/{key_id}"
    changed = admin.ask("PUT", path, apiKey={"disabled": True}, fieldMask="disabled")
    assert changed.json()["disabled"] is True
    assert not may_list_models(server, key)
    admin.ask("PUT", path, apiKey={"disabled": False}, fieldMask="disabled")
    assert may_list_models(server, key)

    new = admin.ask("POST", path + "/rotate").json()["apiKey"]
    assert may_list_models(server, key) and may_list_models(server, new)

    assert admin.ask("DELETE", path).json() == {}
    assert not may_list_models(server, new)
    assert key_id not in [row["apiKeyId"] for row in admin.ask("GET", KEYS).json()["apiKeys"]]


def test_a_management_key_makes_no_pictures_and_a_customers_key_no_keys(server, owner):
    refused = requests.post(f"{server.url}/v1/images/generations", headers=owner.headers,
                            json={"prompt": PROMPT}, timeout=10)
    assert refused.status_code == 401
    assert refused.json()["code"] == "unauthenticated:wrong-scope"
    refused = server.get(KEYS)
    assert refused.status_code == 401
    assert "not the management key of a member or above" in refused.json()["error"]["message"]


def test_a_member_looks_and_changes_nothing(server):
    member = Person(server, "member")
    assert member.ask("GET", KEYS).status_code == 200
    assert member.ask("POST", KEYS, name="app").status_code == 401
    assert member.ask("GET", "/audit/teams/default/events").status_code == 401


def test_another_team_and_another_person_are_not_found(server, owner):
    other = Person(server, "member")
    assert owner.ask("GET", "/auth/teams/other/api-keys").status_code == 404
    assert owner.ask("DELETE", f"/auth/api-keys/{other.id}").status_code == 404
    assert other.ask("GET", KEYS).status_code == 200


def test_keys_are_listed_page_by_page(server, owner):
    made = {owner.ask("POST", KEYS, name="paged").json()["apiKeyId"] for _ in range(3)}
    seen, token = [], ""
    while token is not None:
        page = owner.ask("GET", f"{KEYS}?pageSize=2&paginationToken={token}").json()
        assert 1 <= len(page["apiKeys"]) <= 2
        seen += [row["apiKeyId"] for row in page["apiKeys"]]
        token = page.get("paginationToken")
    assert made <= set(seen) and len(seen) == len(set(seen))
    for query, field in (("pageSize=0", "pageSize"), ("activeOnly=true", "activeOnly"),
                         ("paginationToken=x", "paginationToken")):
        refused = owner.ask("GET", f"{KEYS}?{query}")
        assert (refused.status_code, refused.json()["error"]["param"]) == (400, field)


def test_a_person_reads_what_was_paid_as_json_and_as_csv(start_server):
    server = start_server()
    member = Person(server, "member")
    made = server.make_key()
    headers = server.headers(made["key"])
    path = "/v1/billing/teams/default/usage"
    for user in ("alice", "=bob"):
        reply = requests.post(f"{server.url}/v1/images/generations", headers=headers, timeout=60,
                              json={"prompt": PROMPT, "user": user})
        assert reply.status_code == 200, reply.text
    rows = member.ask("GET", path).json()["usage"]
    assert rows == json.loads(run("usage", "--json", "--data-dir", server.data_dir).stdout)["usage"]
    assert [(row["key_id"], row["user"], row["pictures"], row["usd"]) for row in rows] == [
        (made["id"], "=bob", 1, "0.02"), (made["id"], "alice", 1, "0.02")]
    assert member.ask("GET", path + "?user=alice").json()["usage"] == [rows[1]]
    assert member.ask("GET", path + "?until=2001-01-01").json() == {"usage": []}
    backwards = member.ask("GET", path + "?from=2001-01-01&until=2001-01-01")
    assert (backwards.status_code, backwards.json()["error"]["param"]) == (400, "until")
    csv = member.ask("GET", path + "?format=csv&pageSize=1")
    assert csv.headers["content-type"].startswith("text/csv")
    assert csv.text == (f'day,team,key_id,model,user,outcome,requests,pictures,usd\r\n{rows[0]["day"]},'
                        f'"default","{made["id"]}","grok-imagine-image","\'=bob",delivered,1,1,0.02\r\n')
    page = member.ask("GET", f"{path}?pageSize=1&pageToken={csv.headers['x-next-page-token']}")
    assert page.json() == {"usage": [rows[1]]}
    assert server.get(path).status_code == 401
    assert member.ask("GET", "/v1/billing/teams/other/usage").status_code == 404
    assert member.ask("GET", path + "?from=never").json()["error"]["param"] == "from"


def test_an_owner_reads_who_did_what(server, owner):
    made = owner.ask("POST", KEYS, name="watched").json()
    events, token = [], "1"
    while token:
        page = owner.ask("GET", f"/audit/teams/default/events?pageToken={token}").json()
        events, token = events + page["events"], page.get("nextPageToken")
    last = events[-1]
    assert last["user"]["userId"] == f"key:{owner.id}"
    assert last["description"].startswith(f"key.create key:{made['apiKeyId']} name=\"watched\"")
    assert made["apiKey"] not in json.dumps(events)


def test_a_management_key_is_told_whose_it_is(server, owner):
    facts = owner.ask("GET", "/auth/management-keys/validation").json()
    assert facts["apiKeyId"] == owner.id
    assert facts["role"] == "owner"
    assert facts["teamId"] == "default"


def test_what_cannot_be_meant_is_refused_by_its_field(server, owner):
    for body, field in (({"name": ""}, "name"), ({"name": "a", "acls": ["all"]}, "acls"),
                        ({"name": "a", "expireTime": "2001-01-01"}, "expires"),
                        ({"name": "a", "teamId": "other"}, "teamId")):
        refused = owner.ask("POST", KEYS, **body)
        assert refused.status_code in (400, 422), refused.text
        assert refused.json()["error"]["param"] == field


def test_people_are_listed_apart_from_keys_and_removed_for_ever(server):
    person = Person(server, "admin")
    listed = json.loads(run("people", "list", "--json", "--data-dir", server.data_dir).stdout)
    assert person.id in [row["id"] for row in listed["people"]]
    assert person.id not in [row["id"] for row in server.keys("list")["keys"]]
    gone = run("people", "delete", person.id, "--data-dir", server.data_dir)
    assert gone.returncode == 0, gone.stderr
    assert person.ask("GET", KEYS).status_code == 401
    customer = server.make_key()
    assert run("people", "delete", customer["id"], "--data-dir", server.data_dir).returncode == 66


def test_a_person_reads_what_keys_of_the_team_can_use_and_spend(server):
    assert server.generate().ok
    member = Person(server, "member")
    [cluster] = member.ask("GET", "/auth/teams/default/models").json()["clusterConfigs"]
    model = next(each for each in cluster["imageGenerationModels"]
                 if each["name"] == "grok-imagine-image")
    assert (model["rps"], model["rpm"], model["imagePrice"]) == ("5", "300", "200000000")
    acls = [each["acl"] for each in member.ask("GET", "/auth/teams/default/endpoints").json()["acls"]]
    assert "api-key:endpoint:image" in acls
    key = server.make_key()
    holds = member.ask("GET", f"/auth/api-keys/{key['id']}/propagation").json()["icPropagation"]
    assert all(holds.values()) and holds
    assert member.ask("GET", "/auth/api-keys/nobody/propagation").status_code == 404
    limits = "/v1/billing/teams/default/postpaid/spending-limits"
    assert member.ask("GET", limits).json() == {"spendingLimits": {}}
    asked = {"timeUnit": "TIME_UNIT_DAY", "groupBy": ["description"],
             "values": [{"name": "usd", "aggregation": "AGGREGATION_SUM"}]}
    series = member.ask("POST", "/v1/billing/teams/default/usage",
                        analyticsRequest=asked).json()["timeSeries"]
    [points] = [each["dataPoints"] for each in series if each["group"] == ["grok-imagine-image"]]
    assert points[-1]["values"][0] >= 0.02
    for path in ("/auth/teams/default/models", "/auth/teams/default/endpoints", limits):
        assert server.get(path).status_code == 401
        assert member.ask("GET", path.replace("default", "other")).status_code == 404


def test_a_team_says_what_it_wants_to_spend_a_month(start_server):
    server = start_server("--team-usd-per-month", "1.00")
    admin, member = Person(server, "admin"), Person(server, "member")
    path = "/v1/billing/teams/default/postpaid/spending-limits"
    wish = {"desiredSoftSpendingLimit": {"val": "3"}}  # cents: one picture costs two
    assert member.ask("POST", path, **wish).status_code == 401
    assert admin.ask("POST", path, **wish).json() == {"thisBpSoftSpendingLimit": {"val": "3"}}
    limits = {name: of["val"] for name, of in member.ask("GET", path).json()["spendingLimits"].items()}
    assert limits == {"hardSlAuto": "100", "effectiveHardSl": "100", "softSl": "3",
                      "effectiveSl": "3"}
    assert server.generate().status_code == 200
    refused = server.generate()
    assert refused.status_code == 429, refused.text
    assert "0.02 of 0.03 USD" in refused.json()["error"]["message"], refused.text
    assert admin.ask("POST", path, desiredSoftSpendingLimit=None).json() == {}
    assert server.generate().status_code == 200
    for wrong in ({"val": "x"}, {"val": "-1"}, 3):
        reply = admin.ask("POST", path, desiredSoftSpendingLimit=wrong)
        assert reply.json()["error"]["param"] == "desiredSoftSpendingLimit", reply.text
    events = Person(server, "owner").ask("GET", "/audit/teams/default/events").json()["events"]
    assert any(event["description"] == "team.spending_limit team:default usd_per_month=0.03"
               for event in events)


def test_capacity_is_asked_for_by_a_customer_and_lives_when_an_admin_grants_it(server):
    made = server.make_key("--per-minute", 1)
    headers = server.headers(made["key"])

    def limit():
        reply = requests.post(f"{server.url}/v1/images/generations", headers=headers, timeout=10,
                              json={"prompt": PROMPT, "n": 11})
        return reply.status_code, reply.headers["x-ratelimit-limit"]

    assert [limit()[0] for _ in range(2)] == [400, 429]
    asked = requests.post(f"{server.url}/v1/capacity-requests", headers=headers, timeout=10,
                          json={"qpm": 3, "reason": "a launch"})
    assert asked.json()["asked"]["qpm"] == 3 and asked.json()["limits"] == {"qpm": 1}
    path = f"/auth/api-keys/{made['id']}/capacity-request/grant"
    assert requests.post(server.url + path, headers=headers, timeout=10).status_code == 401

    admin = Person(server, "admin")
    waiting = [row for row in admin.ask("GET", KEYS).json()["apiKeys"] if "capacityRequest" in row]
    assert [row["apiKeyId"] for row in waiting] == [made["id"]]
    assert admin.ask("POST", path).json()["qpm"] == 3
    assert limit() == (400, "3")
    facts = requests.get(f"{server.url}/v1/capacity-requests", headers=headers, timeout=10).json()
    assert facts == {"limits": {"qpm": 3}, "asked": None}
    assert admin.ask("POST", path).status_code == 400


def test_a_server_without_an_owner_is_claimed_once_by_who_reads_its_log(start_server):
    server = start_server()
    token = re.search(r"no_owner claim_token=(\S+)", server.log_text())[1]

    def claim(**body):
        return requests.post(f"{server.url}/auth/first-owner", json=body, timeout=10)

    assert requests.get(f"{server.url}/auth/first-owner", timeout=10).status_code == 405
    assert claim(token=token[:-1]).status_code == 401
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        replies = list(pool.map(lambda _: claim(token=token, name="ann"), range(4)))
    assert sorted(reply.status_code for reply in replies) == [200, 410, 410, 410]
    owner = next(reply.json() for reply in replies if reply.ok)
    assert (owner["name"], owner["role"]) == ("ann", "owner")
    facts = requests.get(f"{server.url}/auth/management-keys/validation", timeout=10,
                         headers=server.headers(owner["apiKey"])).json()
    assert facts["apiKeyId"] == owner["apiKeyId"] and "apiKey" not in facts
    assert claim(token=token).status_code == 410
    assert owner["apiKey"] not in server.log_text()


def test_capacity_can_be_denied_on_the_command_line(server):
    made = server.make_key()
    asked = requests.post(f"{server.url}/v1/capacity-requests", headers=server.headers(made["key"]),
                          json={"qps": 50}, timeout=10)
    assert asked.status_code == 200, asked.text
    assert server.keys("show", made["id"])["asked"]["per_second"] == 50
    denied = server.keys("deny", made["id"])
    assert "asked" not in denied and denied["limits"] == {}
