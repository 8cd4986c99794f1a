"""Two teams on one server (reliability.md S5): whatever id of the other team is asked for, by whom,
on whatever route, there is nothing. The routes are those of the API's document: one with an id in it
that has no row here fails.
"""

import re

import requests

from program import PROMPT, wait_until
from test_edits import RED
from test_openapi_truth import operations
from test_people import Person

# Of nobody's team: models and pages are everybody's, a signed name is the right to what it names.
FOR_EVERYBODY = ("/v1/models/", "/v1/language-models/", "/v1/image-generation-models/",
                 "/v1/video-generation-models/", "/v1/files/public/", "/v1/files/img/", "/console/")
BODIES = {
    "setSpendingLimit": {"desiredSoftSpendingLimit": {"val": "1"}},
    "askCapacityFor": {"qps": 9, "reason": "ours"},
    "createKey": {"name": "ours", "acls": ["api-key:endpoint:*", "api-key:model:*"]},
    "changeKey": {"apiKey": {"disabled": True}, "fieldMask": "disabled"},
    "addPerson": {"name": "ours", "role": "owner"},
    "analyseUsage": {"analyticsRequest": {
        "timeRange": {"startTime": "2026-01-01T00:00:00Z", "endTime": "2026-12-31T00:00:00Z",
                      "timezone": "UTC"},
        "timeUnit": "TIME_UNIT_DAY", "values": [{"name": "usd", "aggregation": "AGGREGATION_SUM"}]}},
}


class Team:
    """One with a key, people, a picture, a job and a file; who asks for it, by name."""

    def __init__(self, server, name):
        self.server, self.name = server, name
        self.made = server.make_key("--team", name, "--per-second", 1000, "--name", f"of {name}")
        narrow = server.make_key("--team", name, "--scopes", "models:read")
        headers = {"Authorization": f"Bearer {self.made['key']}"}
        done = requests.post(f"{server.url}/v1/images/generations", headers=headers, timeout=60,
                             json={"prompt": f"{PROMPT} of {name}", "deferred": True})
        self.job_id = done.json()["request_id"]
        wait_until(lambda: requests.get(f"{server.url}/v1/images/{self.job_id}", headers=headers,
                                        timeout=10).status_code == 200, "the picture")
        self.file_id = requests.post(f"{server.url}/v1/files", headers=headers, timeout=10,
                                     data={"purpose": "vision"},
                                     files={"file": ("hat.png", RED)}).json()["id"]
        self.roles = {role: Person(server, role, name).key for role in ("owner", "admin", "member")}
        self.roles |= {"key": self.made["key"], "narrow key": narrow["key"], "nobody": None}

    def ask(self, role, method, path, body=None):
        key = self.roles[role]
        return requests.request(method, self.server.url + path, json=body, timeout=60,
                                headers={"Authorization": f"Bearer {key}"} if key else {})

    def picture(self):
        return self.ask("owner", "GET", f"/v1/teams/{self.name}/pictures").json()["pictures"][0]

    def ids(self):
        return {"/v1/images/{request_id}": self.job_id, "/v1/videos/{request_id}": self.job_id,
                "/auth/api-keys/{id}": self.made["id"], "/v1/files/{id}": self.file_id,
                "/v1/teams/{team_id}/pictures/{id}": self.picture()["id"]}

    def state(self):
        """All that others could have changed."""
        lists = [("owner", f"/auth/teams/{self.name}/{what}") for what in ("api-keys", "people")]
        lists += [("owner", f"/v1/teams/{self.name}/{what}") for what in ("pictures", "jobs")]
        lists += [("key", "/v1/files")]
        return [self.without_times(self.ask(role, "GET", path).json()) for role, path in lists]

    @staticmethod
    def without_times(value):
        for row in sum((rows for rows in value.values() if isinstance(rows, list)), []):
            row.pop("lastUseTime", None)
            row.pop("url", None)  # is signed anew
        return value


def path_of(template, ids, team):
    """The path with ids of that team; fails for a route that has no row."""
    prefix = max((each for each in ids if template.startswith(each)), key=len, default=None)
    path = template.replace("{team_id}", team)
    if prefix:
        path = path.replace("{id}", ids[prefix]).replace("{request_id}", ids[prefix])
    assert "{" not in path, f"{template}: whose is what it names?"
    return path


def test_nothing_of_another_team_is_found_by_anybody_on_any_route(start_server):
    server = start_server()
    ours, theirs = Team(server, "blue"), Team(server, "red")
    document = requests.get(server.url + "/openapi.json", timeout=10).json()
    ids, link, before, asked = theirs.ids(), theirs.picture()["url"], theirs.state(), 0
    for method, template, _, operation in operations(document):
        if "{" not in template or template.startswith(FOR_EVERYBODY):
            continue
        path = path_of(template, ids, theirs.name)
        body = BODIES.get(operation["operationId"], {} if method in ("POST", "PUT") else None)
        statuses = {}
        for role in ours.roles:
            reply = ours.ask(role, method, path, body)
            # What was asked for may be said again, in the words for what never was.
            told = re.sub(r'there is no \w+ \\"[^"]*\\"', "", reply.text.replace(path, ""))
            assert theirs.made["id"] not in told, reply.text
            statuses[role] = reply.status_code
            asked += 1
        assert set(statuses.values()) == {401, 404}, (method, path, statuses)
        assert statuses["nobody"] == 401
        if method == "GET":  # what was not found is there
            found = {theirs.ask(role, method, path).status_code for role in theirs.roles}
            video = template == "/v1/videos/{request_id}"  # of which there is none
            assert found & ({404} if video else {200}), (method, path, found)
    assert theirs.state() == before
    assert requests.get(link, timeout=10).status_code == 200, "a link that others revoked"
    assert asked >= 6 * 25
    print(f"\nS5: {asked} requests for what is another team's, none found")


def test_lists_and_edits_know_the_files_of_their_own_team_alone(start_server):
    server = start_server()
    ours, theirs = Team(server, "blue"), Team(server, "red")
    listed = ours.ask("key", "GET", "/v1/files").json()["data"]
    assert [row["id"] for row in listed] == [ours.file_id]
    edit = ours.ask("key", "POST", "/v1/images/edits",
                    {"prompt": "a hat", "image": {"file_id": theirs.file_id}})
    assert edit.status_code == 400 and "there is no file" in edit.json()["error"]["message"]
    usage = ours.ask("owner", "GET", f"/v1/billing/teams/{ours.name}/usage").json()["usage"]
    assert {row["team"] for row in usage} == {ours.name}
