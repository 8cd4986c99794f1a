"""What is kept: shown, exported, deleted, copied and brought back, beside a running server and without."""

import json

import requests

from program import PROMPT, run


def pictures(data_dir, *arguments):
    done = run("pictures", *arguments, "--json", "--data-dir", data_dir)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def make_one(server, key):
    reply = requests.post(f"{server.url}/v1/images/generations", json={"prompt": PROMPT}, timeout=60,
                          headers=server.headers(key))
    assert reply.status_code == 200, reply.text
    return reply.json()["data"][0]["url"]


def test_pictures_are_listed_exported_and_deleted(start_server, tmp_path):
    server = start_server()
    mine, other = server.make_key(), server.make_key()
    links = [make_one(server, mine["key"]), make_one(server, other["key"])]
    listed = pictures(server.data_dir, "list")["pictures"]
    assert [row["key_id"] for row in listed] == [mine["id"], other["id"]]
    assert listed[0]["model"] == "grok-imagine-image" and listed[0]["format"] == "jpeg"
    table = run("pictures", "list", "--key", other["id"], "--data-dir", server.data_dir).stdout
    assert listed[1]["id"] in table and listed[0]["id"] not in table

    folder = tmp_path / "exported"
    exported = pictures(server.data_dir, "export", folder)
    assert exported["lost"] == 0
    for row, link in zip(exported["pictures"], links):
        assert open(row["path"], "rb").read() == requests.get(link, timeout=10).content

    assert run("pictures", "delete", "--data-dir", server.data_dir).returncode == 65
    gone = pictures(server.data_dir, "delete", "--key", mine["id"])
    assert gone == {"deleted": [listed[0]["id"]]}
    assert requests.get(links[0], timeout=10).status_code == 404
    assert requests.get(links[1], timeout=10).status_code == 200
    again = run("pictures", "delete", listed[0]["id"], "--data-dir", server.data_dir)
    assert again.returncode == 66


def test_a_backup_of_a_running_server_is_restored_with_keys_books_and_pictures(start_server, tmp_path):
    server = start_server()
    made = server.make_key()
    make_one(server, made["key"])
    backup, home = tmp_path / "backup", tmp_path / "home"
    done = run("backup", backup, "--json", "--data-dir", server.data_dir)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["files"] == 1
    make_one(server, made["key"])  # is not in it
    assert run("backup", backup, "--data-dir", server.data_dir).returncode != 0
    assert run("restore", backup, "--data-dir", server.data_dir).returncode != 0
    restored = run("restore", backup, "--data-dir", home)
    assert restored.returncode == 0, restored.stderr

    used = json.loads(run("usage", "--json", "--data-dir", home).stdout)["usage"]
    assert [(row["key_id"], row["pictures"]) for row in used] == [(made["id"], 1)]
    again = start_server(data_dir=home)
    link = make_one(again, made["key"])  # the key is good there
    assert requests.get(link, timeout=10).status_code == 200
    assert len(pictures(home, "list")["pictures"]) == 2
    assert run("usage", "--check", "--data-dir", home).returncode == 0
    assert run("keys", "audit", "--data-dir", home).returncode == 0
