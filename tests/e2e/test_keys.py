"""Who may ask."""

import json

import pytest
import requests

from program import run


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


def test_deleting_an_unknown_key_says_so(server):
    assert run("keys", "delete", "nosuchkey000", "--data-dir", server.data_dir).returncode == 66


def test_no_key_is_in_the_log(server):
    server.get("/v1/models")
    assert server.key not in server.log_text()
