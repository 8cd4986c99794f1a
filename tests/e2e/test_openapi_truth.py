"""Requests made out of docs/api/openapi.yaml (reliability.md S16): as it says, nearly so, and not at
all. No answer may be a fault of the server, or one that the document does not know.

`REQUESTS=10000 PROGRAM=build/release/bench/instant` makes as many; the seed is in the failure.
"""

import collections
import json
import os
import random
import re
import time

import requests

from test_edits import RED, data_url
from test_people import Person

COUNT = int(os.environ.get("REQUESTS", 300))
SEED = int(os.environ.get("SEED", time.time()))
ODD_TEXTS = ["", " ", "\0", "a" * 9000, "\u202e", "\U0001F600", "../..", "' OR 1=1 --", "%00", "null",
             "<script>", "a\nb", "-1", "1e999", "\ud7ff", "\ufdfa" * 300]
ODD_NUMBERS = [0, -1, 1, 2**31, 2**53 + 1, 2**63, 2**64, -2**63 - 1, 1.5, 1e300, -0.0]
# Where each request would wait for a picture: a job of its own is paid for in time.
MODELS = ["grok-imagine-image", "grok-imagine-image-quality", "flux-1.1-pro", "nobody"]


class Maker:
    """Values of JSON schemas, and others."""

    def __init__(self, document, random_source):
        self.document = document
        self.random = random_source

    def resolved(self, schema):
        while "$ref" in schema:
            target = self.document
            for part in schema["$ref"].removeprefix("#/").split("/"):
                target = target[part]
            schema = target
        return schema

    def odd(self):
        any_of = [self.random.choice(ODD_TEXTS), self.random.choice(ODD_NUMBERS), None, True, [], {},
                  [[]], {"a": {}}, "x" * self.random.randrange(300)]
        return self.random.choice(any_of)

    def value(self, schema, oddness):
        if self.random.random() < oddness:
            return self.odd()
        schema = self.resolved(schema)
        for word in ("oneOf", "anyOf"):
            if word in schema and "type" not in schema:
                return self.value(self.random.choice(schema[word]), oddness)
        if "const" in schema:
            return schema["const"]
        if "enum" in schema:
            return self.random.choice(schema["enum"])
        kind = schema.get("type", "string")
        kind = self.random.choice(kind) if isinstance(kind, list) else kind
        return getattr(self, f"make_{kind}")(schema, oddness)

    def make_null(self, *_):
        return None

    def make_boolean(self, *_):
        return self.random.random() < 0.5

    def make_integer(self, schema, _):
        low = schema.get("minimum", 0)
        high = min(schema.get("maximum", 100), low + 1000)
        return self.random.choice([low, high, low - 1, high + 1, self.random.randint(low, high)])

    def make_number(self, schema, oddness):
        return self.make_integer(schema, oddness) + self.random.choice([0, 0.5])

    def make_string(self, schema, _):
        if schema.get("format") == "binary":
            return "RED"
        examples = [schema[word] for word in ("default", "example") if word in schema]
        return self.random.choice([*examples, "a red house", data_url(RED), "x" * 40, "éß中"])

    def make_array(self, schema, oddness):
        return [self.value(schema.get("items", {}), oddness)
                for _ in range(self.random.randrange(schema.get("maxItems", 3) + 2))]

    def make_object(self, schema, oddness):
        made = {}
        for name, inner in schema.get("properties", {}).items():
            if name in schema.get("required", []) or self.random.random() < 0.3:
                made[name] = self.value(inner, oddness)
        if self.random.random() < oddness:
            made[self.random.choice(["x", "__proto__", "a" * 300])] = self.odd()
        if made and self.random.random() < oddness:
            del made[self.random.choice(list(made))]
        return made


def as_text(value):
    return value if isinstance(value, str) else json.dumps(value)


def operations(document):
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            if method != "parameters":
                yield method.upper(), path, methods.get("parameters", []), operation


class Asker:
    def __init__(self, server, random_source):
        self.server = server
        self.random = random_source
        self.session = requests.Session()
        self.document = self.session.get(server.url + "/openapi.json", timeout=10).json()
        self.maker = Maker(self.document, random_source)
        self.operations = list(operations(self.document))
        self.keys = [server.key] * 6 + [Person(server, role).key for role in ("member", "admin")]

    def one(self):
        """A request as `requests` sends it, and the statuses that the document knows for it."""
        method, path, shared, operation = self.random.choice(self.operations)
        name = f"{method} {path}"
        oddness = self.random.choice([0, 0, 0.1, 0.5])
        query, headers = {}, {}
        if self.random.random() > 0.1:
            headers["Authorization"] = f"Bearer {self.random.choice(self.keys)}"
        for parameter in (self.maker.resolved(p) for p in
                          [*shared, *operation.get("parameters", [])]):
            text = as_text(self.maker.value(parameter.get("schema", {}), oddness))
            if parameter["in"] == "path":
                team = "default" if self.random.random() < 0.7 else text
                text = team if parameter["name"] == "team_id" else text
                path = path.replace("{%s}" % parameter["name"],
                                    requests.utils.quote(text[:200], safe="") or "x")
            elif parameter["in"] == "query" and self.random.random() < 0.5:
                query[parameter["name"]] = text[:2000]
            elif parameter["in"] == "header" and self.random.random() < 0.3:
                headers[parameter["name"]] = re.sub(r"[^\x20-\x7e]", "?", text[:300])
        request = {"method": method, "url": self.server.url + path, "params": query,
                   "headers": headers}
        content = operation.get("requestBody", {}).get("content", {})
        if content:
            kind = self.random.choice(list(content))
            self.add_body(request, kind, content[kind]["schema"], oddness)
        return request, {int(status) for status in operation["responses"]}, name

    def add_body(self, request, kind, schema, oddness):
        body = self.maker.value(schema, oddness)
        if isinstance(body, dict) and "model" in body and self.random.random() < 0.8:
            body["model"] = self.random.choice(MODELS)
        if kind == "application/json":
            text = json.dumps(body).encode()
            if self.random.random() < oddness / 5:  # cut, or with a byte that is wrong
                at = self.random.randrange(len(text))
                text = text[:at] + self.random.choice([b"", b"\xff" + text[at:]])
            request["data"] = text
            request["headers"]["Content-Type"] = kind
        elif isinstance(body, dict):
            request["files"] = [
                (name, (self.random.choice(["a.png", None]), RED if value == "RED" else as_text(value)))
                for name, value in body.items()] or [("x", (None, "y"))]


def test_every_answer_is_one_that_the_document_knows(start_server):
    server = start_server()
    asker = Asker(server, random.Random(SEED))
    seen, wrong = collections.Counter(), {}
    for i in range(COUNT):
        request, known, operation = asker.one()
        reply = asker.session.request(**request, timeout=60)
        seen[reply.status_code] += 1
        says_why = reply.status_code < 400 or reply.json()["error"]["message"]
        if reply.status_code >= 500 or reply.status_code not in known or not says_why:
            wrong.setdefault((operation, reply.status_code),
                             f"request {i}: {request}\n{reply.text[:300]}")
    assert not wrong, f"seed {SEED}\n" + "\n".join(f"{what}: {how}" for what, how in wrong.items())
    print(f"\nS16: {COUNT} requests, seed {SEED}:", dict(sorted(seen.items())))
    assert server.process.poll() is None
