#!/usr/bin/env python3
"""docs/api/openapi.yaml as the program serves it: the same document in JSON, and a page that people
read, which needs nothing from anywhere else and no script. The build runs it:

    tools/api_docs.py docs/api/openapi.yaml OUT.cpp
"""

import base64
import hashlib
import html
import json
import re
import sys

import yaml  # Debian's python3-yaml

BASE = "{{base}}"  # the server puts the address in under which it was asked
METHODS = ("get", "post", "put", "delete")
PIECE_BYTES = 12_000  # of one literal: compilers promise 65,536

STYLE = """
:root { color-scheme: light dark; --ink: #1c2024; --quiet: #5b6570; --paper: #ffffff; --wash: #f4f6f8;
  --line: #d9dee3; --accent: #0a58ca; --get: #0b6e4f; --post: #0a58ca; --put: #8a5a00; --delete: #b3261e }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e6e9ec; --quiet: #9aa5b1; --paper: #14171a; --wash: #1d2226; --line: #323a42;
    --accent: #7ab2ff; --get: #5fd3a8; --post: #7ab2ff; --put: #e0b060; --delete: #ff8a80 }
}
* { box-sizing: border-box }
body { margin: 0; color: var(--ink); background: var(--paper);
  font: 16px/1.55 system-ui, -apple-system, "Segoe UI", "DejaVu Sans", sans-serif }
a { color: var(--accent); text-decoration: none } a:hover { text-decoration: underline }
code, pre, .path { font-family: ui-monospace, "DejaVu Sans Mono", Menlo, Consolas, monospace; font-size: .875em }
code { background: var(--wash); border-radius: 4px; padding: .1em .3em }
pre { background: var(--wash); border: 1px solid var(--line); border-radius: 6px; padding: .8em 1em;
  overflow-x: auto; line-height: 1.45 }
pre code { background: none; padding: 0; font-size: 1em }
nav { position: fixed; inset: 0 auto 0 0; width: 21rem; overflow-y: auto; padding: 1.2rem 1rem;
  background: var(--wash); border-right: 1px solid var(--line); font-size: .875rem }
nav ul { list-style: none; margin: .3rem 0 1rem; padding: 0 } nav li { margin: .15rem 0 }
nav a { display: flex; gap: .5rem; color: var(--ink) } nav .path { overflow-wrap: anywhere }
main { margin-left: 21rem; max-width: 58rem; padding: 1.5rem 2.5rem 6rem }
h1 { margin: 0 0 .3rem; font-size: 1.8rem } h2 { margin: 3rem 0 .5rem; font-size: 1.15rem }
h3 { margin: 1.4rem 0 .4rem; font-size: .9375rem }
section { border-top: 1px solid var(--line) }
.verb { display: inline-block; min-width: 3.2rem; font-weight: 700; font-size: .75rem }
.get { color: var(--get) } .post { color: var(--post) } .put { color: var(--put) } .delete { color: var(--delete) }
.quiet { color: var(--quiet) }
table { border-collapse: collapse; width: 100%; font-size: .875rem }
th, td { text-align: left; vertical-align: top; padding: .4rem .8rem .4rem 0; border-bottom: 1px solid var(--line) }
th { color: var(--quiet); font-weight: 600 }
td:first-child { white-space: nowrap } td p { margin: 0 0 .3rem }
details { margin: .5rem 0 } summary { cursor: pointer }
.scroll { overflow-x: auto }
@media (max-width: 60rem) {
  nav { position: static; width: auto; max-height: 40vh; border-right: 0; border-bottom: 1px solid var(--line) }
  main { margin-left: 0; padding: 1rem 1rem 4rem }
  td:first-child { white-space: normal; overflow-wrap: anywhere }
}
"""


def text(value):
    """Escaped, with `words` as code; a line's end is a space."""
    escaped = html.escape(" ".join(str(value).split()))
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", escaped)


def paragraphs(value):
    return "".join(f"<p>{text(part)}</p>" for part in re.split(r"\n\s*\n", value or "") if part.strip())


def pre(value):
    return f"<pre><code>{html.escape(value)}</code></pre>"


class Page:
    def __init__(self, document):
        self.document = document

    def resolve(self, node):
        """What a `$ref` stands for; what stands beside it wins."""
        while "$ref" in node:
            target = self.document
            for step in node["$ref"].removeprefix("#/").split("/"):
                target = target[step]
            node = target | {key: value for key, value in node.items() if key != "$ref"}
        return node

    def kind(self, schema):
        """In a few words, what a value may be."""
        schema = self.resolve(schema)
        if "const" in schema:
            return f"always <code>{html.escape(json.dumps(schema['const']))}</code>"
        if "enum" in schema:
            return "one of " + ", ".join(f"<code>{html.escape(json.dumps(each))}</code>"
                                         for each in schema["enum"])
        for choice in ("oneOf", "anyOf"):
            if choice in schema and "properties" not in schema:
                return ", or ".join(dict.fromkeys(self.kind(each) for each in schema[choice]))
        if "allOf" in schema and "type" not in schema:
            return self.kind(schema["allOf"][0])
        kinds = schema.get("type", "object" if "properties" in schema else "any value")
        words = " or ".join(kinds if isinstance(kinds, list) else [kinds])
        if words == "array":
            return "list of " + self.kind(schema.get("items", {}))
        if schema.get("format"):
            words += f" ({schema['format']})"
        return words

    def limits(self, schema):
        forms = {"minimum": "at least {}", "maximum": "at most {}", "minLength": "at least {} characters",
                 "maxLength": "at most {} characters", "maxItems": "at most {} entries",
                 "default": "default {}"}
        return "; ".join(form.format(f"<code>{html.escape(json.dumps(schema[key]))}</code>")
                         for key, form in forms.items() if key in schema)

    def fields(self, schema, prefix="", seen=()):
        """Rows of (name, schema, required), those of inner objects after their own."""
        schema = self.resolve(schema)
        if id(schema) in seen or len(seen) > 12:
            return
        seen = (*seen, id(schema))
        for part in schema.get("allOf", ()):
            yield from self.fields(part, prefix, seen)
        for choice in ("oneOf", "anyOf"):
            for part in schema.get(choice, ()):
                if prefix or "properties" in self.resolve(part) or "allOf" in self.resolve(part):
                    yield from self.fields(part, prefix, seen)
        if "items" in schema:
            yield from self.fields(schema["items"], prefix + "[]", seen)
        for name, inner in schema.get("properties", {}).items():
            whole = f"{prefix}.{name}" if prefix else name
            yield whole, self.resolve(inner), name in schema.get("required", ())
            yield from self.fields(inner, whole, seen)

    def field_table(self, rows):
        cells, known = [], set()
        for name, schema, required in rows:
            if name in known:
                continue
            known.add(name)
            about = paragraphs(schema.get("description", ""))
            limits = self.limits(schema)
            cells.append(f"<tr><td><code>{html.escape(name)}</code>"
                         f"{'<br><span class=quiet>required</span>' if required else ''}</td>"
                         f"<td>{self.kind(schema)}{'<br>' + limits if limits else ''}</td>"
                         f"<td>{about}</td></tr>")
        if not cells:
            return ""
        return ("<div class=scroll><table><thead><tr><th>Field</th><th>Value</th><th></th></tr></thead>"
                f"<tbody>{''.join(cells)}</tbody></table></div>")

    def curl(self, method, path, operation):
        lines = [f"curl {BASE}{path}"]
        if method != "get":
            lines[0] += f" -X {method.upper()}"
        if operation.get("security", self.document.get("security")):
            lines.append('-H "Authorization: Bearer $KEY"')
        content = operation.get("requestBody", {}).get("content", {})
        if "application/json" in content:
            body = content["application/json"].get("example", {})
            lines.append('-H "Content-Type: application/json"')
            lines.append("-d '" + self.shown(body).replace("'", "'\\''") + "'")
        elif "multipart/form-data" in content:
            schema = self.resolve(content["multipart/form-data"]["schema"])
            for name, inner in schema.get("properties", {}).items():
                if name in schema.get("required", ()):
                    binary = self.resolve(inner).get("format") == "binary"
                    lines.append(f"-F {name}={'@FILE' if binary else 'VALUE'}")
        return " \\\n  ".join(lines)

    @staticmethod
    def shown(value):
        """As few lines as can be read without scrolling."""
        line = json.dumps(value, ensure_ascii=False)
        return line if len(line) < 72 else json.dumps(value, indent=2, ensure_ascii=False)

    def contents(self, content):
        parts = []
        for media, what in content.items():
            parts.append(f"<p class=quiet>{html.escape(media)}</p>")
            schema = what.get("schema", {})
            parts.append(paragraphs(self.resolve(schema).get("description", "")))
            parts.append(self.field_table(self.fields(schema)))
        return "".join(parts)

    def responses(self, operation):
        parts = []
        for status, response in operation["responses"].items():
            response = self.resolve(response)
            headers = "".join(
                f"<tr><td><code>{html.escape(name)}</code></td><td>{self.kind(self.resolve(head)['schema'])}"
                f"</td><td>{text(self.resolve(head).get('description', ''))}</td></tr>"
                for name, head in response.get("headers", {}).items())
            if headers:
                headers = f"<div class=scroll><table><tbody>{headers}</tbody></table></div>"
            line = f"<b>{html.escape(status)}</b> {text(response.get('description', ''))}"
            inner = self.contents(response.get("content", {})) + headers
            parts.append(f"<details><summary>{line}</summary>{inner}</details>" if inner
                         else f"<p>{line}</p>")
        return "".join(parts)

    def operation(self, method, path, operation, shared):
        parameters = [self.resolve(each) for each in (*shared, *operation.get("parameters", ()))]
        rows = [(each["name"], self.resolve(each["schema"])
                 | {"description": f"In the {each['in']}. {each.get('description', '')}"},
                 each.get("required", False)) for each in parameters]
        is_open = operation.get("security") == []
        parts = [f'<section id="{operation["operationId"]}"><h2><span class="verb {method}">'
                 f'{method.upper()}</span> <span class=path>{html.escape(path)}</span></h2>',
                 f"<p>{text(operation['summary'])}"
                 f"{' <span class=quiet>Without a key.</span>' if is_open else ''}</p>",
                 paragraphs(operation.get("description", "")),
                 pre(self.curl(method, path, operation))]
        if rows:
            parts += ["<h3>Parameters</h3>", self.field_table(rows)]
        content = operation.get("requestBody", {}).get("content", {})
        if content:
            parts += ["<h3>Body</h3>", self.contents(content)]
        return "".join([*parts, "<h3>Replies</h3>", self.responses(operation), "</section>"])

    def html(self):
        info = self.document["info"]
        links, sections = {}, []
        for path, item in self.document["paths"].items():
            for method in METHODS:
                if method not in item:
                    continue
                operation = item[method]
                group = "/" + "/".join(path.split("/")[1:3 if path.startswith("/v1/") else 2])
                links.setdefault(group, []).append(
                    f'<li><a href="#{operation["operationId"]}"><span class="verb {method}">'
                    f'{method.upper()}</span><span class=path>{html.escape(path)}</span></a></li>')
                sections.append(self.operation(method, path, operation, item.get("parameters", ())))
        menu = "".join(f"<div class=quiet>{html.escape(group)}</div><ul>{''.join(each)}</ul>"
                       for group, each in links.items())
        return ("<!doctype html><html lang=en><head><meta charset=utf-8>"
                '<meta name=viewport content="width=device-width, initial-scale=1">'
                f"<title>{text(info['title'])}: the API</title><style>{STYLE}</style></head><body>"
                f"<nav>{menu}</nav><main><h1>{text(info['title'])}</h1><p>{text(info['summary'])} "
                f'<span class=quiet>Version {text(info["version"])}, '
                '<a href="openapi.json">openapi.json</a></span></p>'
                f"{paragraphs(info['description'])}{''.join(sections)}</main></body></html>")


def literal(value):
    """A C++ string literal in pieces, whatever is in it."""
    data, pieces = value.encode(), []
    while data:
        end = min(PIECE_BYTES, len(data))
        while end < len(data) and data[end] & 0xC0 == 0x80:  # not within a character
            end -= 1
        pieces.append('R"~api~(' + data[:end].decode() + ')~api~"')
        data = data[end:]
    return "\n".join(pieces)


def main():
    source, out = sys.argv[1:]
    with open(source, encoding="utf-8") as file:
        document = yaml.safe_load(file)
    document["servers"] = [{"url": BASE}]
    style = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
    policy = (f"default-src 'none'; style-src 'sha256-{style}'; base-uri 'none'; form-action 'none'; "
              "frame-ancestors 'none'")
    with open(out, "w", encoding="utf-8") as file:
        file.write('// Made by tools/api_docs.py.\n#include "api/http/api_docs.h"\n\n'
                   "namespace imagined::api {\n\n"
                   f"const std::string_view kOpenApiJson = {literal(json.dumps(document, ensure_ascii=False))};\n\n"
                   f"const std::string_view kDocsPage = {literal(Page(document).html())};\n\n"
                   f"const std::string_view kDocsPolicy = {literal(policy)};\n\n"
                   "}  // namespace imagined::api\n")


if __name__ == "__main__":
    main()
