"""Who may ask."""

import json
import sqlite3

import pytest
import requests

from program import PROMPT, run, wait_until

openai = pytest.importorskip("openai", reason="the openai package is not installed")


def post(server, headers):
    return requests.post(f"{server.url}/v1/images/generations", json={"prompt": 7},
                         headers=headers, timeout=10)


@pytest.mark.parametrize("value", [
    None, "Bearer", "Bearer  ", "Basic abc", "imk_abc", "Bearer imk_abc",
    "Bearer ' OR (SELECT 1) --", "Bearer " + "k" * 4000,
])
def test_without_a_key_nothing_is_read(server, value):
    response = post(server, {} if value is None else {"Authorization": value})
    assert response.status_code == 401, response.text
    assert response.headers["www-authenticate"] == "Bearer"
    body = response.json()
    assert body["code"].startswith("unauthenticated:")
    assert body["error"]["type"] == "authentication_error"


def test_a_missing_key_reads_otherwise_than_a_wrong_one(server):
    assert post(server, {}).json()["code"] == "unauthenticated:no-credentials"
    wrong = post(server, {"Authorization": "Bearer imk_wrong"}).json()
    assert wrong["code"] == "unauthenticated:bad-credentials"


def test_the_scheme_may_be_in_any_case(server):
    response = requests.get(f"{server.url}/v1/models", timeout=10,
                            headers={"Authorization": f"bearer {server.key} "})
    assert response.status_code == 200


def test_one_letter_off_is_refused(server):
    broken = server.key[:-1] + ("a" if server.key[-1] != "a" else "b")
    assert server.get("/v1/models", headers=server.headers(broken)).status_code == 401


def test_two_authorization_fields_are_refused(server):
    import http.client
    connection = http.client.HTTPConnection(*server.address, timeout=10)
    connection.putrequest("GET", "/v1/models")
    connection.putheader("Authorization", f"Bearer {server.key}")
    connection.putheader("Authorization", f"Bearer {server.key}")
    connection.endheaders()
    assert connection.getresponse().status == 400
    connection.close()


def test_a_key_made_and_deleted_while_the_server_runs(server):
    made = json.loads(run("keys", "create", "--json", "--name", "short-lived", "--data-dir",
                          server.data_dir).stdout)
    assert made["name"] == "short-lived"
    assert server.get("/v1/models", headers=server.headers(made["key"])).status_code == 200

    listed = json.loads(run("keys", "list", "--json", "--data-dir", server.data_dir).stdout)
    row = next(row for row in listed["keys"] if row["id"] == made["id"])
    assert row["last4"] == made["key"][-4:]
    assert "key" not in row

    deleted = run("keys", "delete", made["id"], "--data-dir", server.data_dir)
    assert deleted.returncode == 0, deleted.stderr
    assert server.get("/v1/models", headers=server.headers(made["key"])).status_code == 401


def message(server, key):
    """What OpenAI's client shows for a refused key."""
    with pytest.raises(openai.AuthenticationError) as refused:
        openai.OpenAI(base_url=f"{server.url}/v1", api_key=key, max_retries=2).models.list()
    return refused.value.message


def test_each_cause_of_a_401_has_its_own_sentence(server):
    whole = server.make_key()
    assert "is incomplete or has a typing error; copy it again" in message(server, whole["key"][:-3])
    assert "Incorrect API key provided: sk***ng" in message(server, "sk-something")
    headers = {"Authorization": whole["key"]}
    assert ("does not have the form" in
            requests.get(f"{server.url}/v1/models", headers=headers, timeout=10).json()["error"]["message"])

    disabled = server.make_key()
    server.keys("disable", disabled["id"])
    assert "This API key is disabled." in message(server, disabled["key"])
    server.keys("enable", disabled["id"])
    assert server.get("/v1/models", headers=server.headers(disabled["key"])).status_code == 200

    revoked = server.make_key()
    server.keys("delete", revoked["id"])
    assert "This API key was revoked at 20" in message(server, revoked["key"])

    early = server.make_key("--not-before", "1h")
    assert "This API key is not active yet; it becomes active at 20" in message(server, early["key"])

    late = server.make_key("--expires", "1s")
    wait_until(lambda: server.get("/v1/models", headers=server.headers(late["key"])).status_code
               == 401, "the end of the key")
    assert "This API key expired at 20" in message(server, late["key"])


def test_a_key_may_only_what_its_scopes_and_models_say(server):
    reader = server.make_key("--scopes", "models:read")["key"]
    asking = openai.OpenAI(base_url=f"{server.url}/v1", api_key=reader, max_retries=2)
    assert asking.models.list().data
    with pytest.raises(openai.AuthenticationError) as refused:
        asking.images.generate(prompt="a red house")
    assert 'it lacks the scope "image:generate"' in refused.value.message
    assert refused.value.body["code"] == "unauthenticated:wrong-scope"

    painter = server.make_key("--scopes", "image:generate")["key"]
    refused = server.get("/v1/models", headers=server.headers(painter))
    assert refused.status_code == 401
    assert 'it lacks the scope "models:read"' in refused.json()["error"]["message"]

    narrow = server.make_key("--models", "grok-imagine-image-quality")["key"]
    with pytest.raises(openai.AuthenticationError) as refused:
        openai.OpenAI(base_url=f"{server.url}/v1", api_key=narrow).images.generate(
            model="grok-imagine-image", prompt="a red house")
    assert 'not allowed to use the model "grok-imagine-image"' in refused.value.message


def test_a_key_is_told_how_it_stands_even_when_it_may_not_be_used(server):
    made = server.make_key("--name", "told", "--scopes", "image:generate", "--models",
                           "grok-imagine-image")
    headers = server.headers(made["key"])
    facts = server.get("/v1/api-key", headers=headers).json()
    assert facts["name"] == "told"
    assert facts["acls"] == ["api-key:endpoint:image", "api-key:model:grok-imagine-image"]
    assert facts["redacted_api_key"].startswith(f"imk_{made['id']}_...")
    assert made["key"][-20:] not in str(facts)
    assert (facts["api_key_blocked"], facts["api_key_disabled"]) == (False, False)
    server.keys("disable", made["id"])
    assert server.get("/v1/models", headers=headers).status_code == 401
    assert server.get("/v1/api-key", headers=headers).json()["api_key_disabled"] is True
    assert server.get("/v1/me", headers=headers).json()["api_key"]["disabled"] is True
    server.keys("delete", made["id"])
    assert server.get("/v1/api-key", headers=headers).status_code == 401


def test_a_rotated_key_has_two_secrets_for_a_while(server):
    old = server.make_key()
    new = server.keys("rotate", old["id"], "--overlap", "1h")
    assert new["id"] == old["id"] and new["key"] != old["key"]
    for key in (old["key"], new["key"]):
        assert server.get("/v1/models", headers=server.headers(key)).status_code == 200
    newest = server.keys("rotate", old["id"], "--overlap", "0s")
    assert "Incorrect API key provided" in message(server, new["key"])
    assert server.get("/v1/models", headers=server.headers(newest["key"])).status_code == 200


@pytest.mark.parametrize("options, word", [
    (("--scopes", "image:make"), "scopes"), (("--expires", "yesterday"), "expires"),
    (("--usd-per-day", "1e3"), "usd_per_day"), (("--expires", "2001-01-01"), "expires"),
    (("--per-second", "0"), "per-second"), (("--models", "no-such-model"), "no-such-model"),
])
def test_a_wish_that_cannot_be_meant_is_refused_by_name(server, options, word):
    made = run("keys", "create", "--data-dir", server.data_dir, *options)
    assert made.returncode != 0
    assert word in made.stderr
    assert made.stdout == ""


def test_the_audit_log_tells_what_was_done_and_whether_it_is_whole(start_server):
    server = start_server()
    made = server.make_key("--name", "watched")
    server.keys("disable", made["id"])
    told = run("keys", "audit", "--json", "--data-dir", server.data_dir)
    assert told.returncode == 0, told.stderr
    events = [json.loads(line) for line in told.stdout.splitlines()]
    assert [event["action"] for event in events[-2:]] == ["key.create", "key.disable"]
    assert {event["actor"] for event in events} == {"command line"}
    assert made["key"] not in told.stdout
    connection = sqlite3.connect(server.data_dir / "imagined.db", timeout=5)
    connection.execute("UPDATE audit SET actor = 'nobody' WHERE sequence = 2")
    connection.commit()
    connection.close()
    tampered = run("keys", "audit", "--data-dir", server.data_dir)
    assert tampered.returncode != 0
    assert "from row 2 on" in tampered.stderr


@pytest.mark.parametrize("arguments, says", [
    (("keys", "delete", "nosuchkey000"), 'there is no key "nosuchkey000"'),
    (("keys", "show", "nosuch"), 'there is no key "nosuch"'),
    (("keys", "rotate", "no_such"), 'there is no key "no_such"'),
    (("people", "delete", "nosuch"), 'there is no person "nosuch"'),
    (("usage", "--key", "nosuch"), 'there is no key "nosuch": imagined keys list shows those that there are'),
    (("pictures", "list", "--key", "nosuch"), 'there is no key "nosuch"'),
    (("pictures", "delete", "--key", "nosuch", "--yes"), 'there is no key "nosuch"'),
])
def test_an_unknown_key_or_person_is_said_to_be_one(server, arguments, says):
    done = run(*arguments, "--data-dir", server.data_dir)
    assert done.returncode == 66 and says in done.stderr and done.stdout == ""


def test_what_a_deleted_key_has_ordered_is_still_told_by_its_id_or_the_key_itself(server):
    made = server.make_key()
    assert requests.post(f"{server.url}/v1/images/generations", json={"prompt": PROMPT}, timeout=60,
                         headers=server.headers(made["key"])).status_code == 200
    assert run("keys", "delete", made["id"], "--data-dir", server.data_dir).returncode == 0
    for name in (made["id"], made["key"]):
        used = run("usage", "--key", name, "--json", "--data-dir", server.data_dir)
        assert [row["key_id"] for row in json.loads(used.stdout)["usage"]] == [made["id"]]


def test_keys_and_people_are_listed_by_team(start_server):
    server = start_server()
    for team in ("red", "blue"):
        server.make_key("--name", f"app of {team}", "--team", team)
        made = run("people", "create", "--name", "bob", "--role", "member", "--team", team, "--data-dir",
                   server.data_dir)
        assert made.returncode == 0, made.stderr
    assert [key["name"] for key in server.keys("list", "--team", "red")["keys"]] == ["app of red"]
    assert len(server.keys("list")["keys"]) == 3
    people = run("people", "list", "--team", "blue", "--json", "--data-dir", server.data_dir)
    assert [(each["name"], each["team"]) for each in json.loads(people.stdout)["people"]] == [("bob", "blue")]
    for command in (("keys", "list"), ("people", "list"), ("usage",)):
        assert run(*command, "--team", "red", "--data-dir", server.data_dir).returncode == 0
        none = run(*command, "--team", "green", "--json", "--data-dir", server.data_dir)
        assert (none.returncode, none.stdout) == (66, "")
        assert 'there is no team "green"; there are: blue, default, red\n' in none.stderr
    again = run("people", "create", "--name", "Bob", "--role", "owner", "--team", "red", "--data-dir",
                server.data_dir)
    assert again.returncode != 0 and 'the team "red" has a person who is called "Bob"' in again.stderr


def test_a_key_is_limited_to_any_model_that_is_offered_and_to_no_other(start_server, tmp_path):
    file = tmp_path / "pair.toml"
    file.write_text('[upstreams.u]\nbase_url = "http://127.0.0.1:9/v1"\nmodels = ["far"]\n'
                    '[chats.pair]\ntalks = "far"\nmakes = "grok-imagine-image"\n')
    server = start_server("--config", file)
    made = server.make_key("--config", file, "--models", "far,pair,grok-imagine-image")
    assert made["models"] == ["far", "pair", "grok-imagine-image"]
    refused = run("keys", "create", "--config", file, "--data-dir", server.data_dir, "--models", "nosuch")
    assert refused.returncode != 0
    assert '"nosuch" does not exist; this server has grok-imagine-image' in refused.stderr
    assert "pair" in refused.stderr and "far" in refused.stderr and f"that is by {file}" in refused.stderr
    without = run("keys", "create", "--data-dir", server.data_dir, "--models", "far")
    assert without.returncode != 0 and '"far" does not exist' in without.stderr
    assert "no configuration file was read: if the server has one, give it with --config FILE" in without.stderr
    admin = json.loads(run("people", "create", "--name", "ann", "--role", "admin", "--json", "--data-dir",
                           server.data_dir).stdout)

    def ask(*models):
        acls = ["api-key:endpoint:*", *(f"api-key:model:{model}" for model in models)]
        return requests.post(f"{server.url}/auth/teams/default/api-keys", timeout=10,
                             headers=server.headers(admin["key"]), json={"name": "app", "acls": acls})

    assert "api-key:model:pair" in ask("pair", "far").json()["aclStrings"]
    wrong = ask("pair", "nosuch")
    assert wrong.status_code == 400 and wrong.json()["error"]["param"] == "acls"
    assert "nosuch" in wrong.json()["error"]["message"] and "far" in wrong.json()["error"]["message"]


def test_an_address_that_guesses_keys_is_told_to_wait(start_server):
    server = start_server("--trusted-proxies", "127.0.0.1")

    def ask(key, client):
        return requests.get(f"{server.url}/v1/models", timeout=10,
                            headers=server.headers(key) | {"X-Forwarded-For": client})

    assert {ask("imk_guess", "203.0.113.9").status_code for _ in range(20)} == {401}
    reply = ask("imk_guess", "203.0.113.9")
    assert reply.status_code == 429 and 1 <= int(reply.headers["retry-after"]) <= 60
    assert reply.headers["x-should-retry"] == "false"
    assert ask(server.key, "203.0.113.9").status_code == 200
    assert ask("imk_guess", "203.0.113.10").status_code == 401


def test_no_key_is_in_the_log(server):
    server.get("/v1/models")
    assert server.key not in server.log_text()


def test_where_there_are_no_keys_it_is_said_how_one_is_made(start_server):
    server = start_server()  # which had none when it began
    assert "no_keys" in server.log_text()
    assert "no keys yet" not in run("keys", "list", "--data-dir", server.data_dir).stderr
    run("keys", "delete", server.key, "--data-dir", server.data_dir)
    empty = run("keys", "list", "--data-dir", server.data_dir)
    assert "no keys yet: imagined keys create" in empty.stderr
    listed = run("keys", "list", "--json", "--data-dir", server.data_dir)
    assert json.loads(listed.stdout) == {"keys": []} and listed.stderr == ""
