#!/usr/bin/env python3
"""Checks the rules that the source tree keeps: who includes whom, and words we do not use.

    tools/lint.py            prints one line per broken rule, exits 1 when there is one
    tools/lint.py --headers  also compiles every header alone (needs a C++ compiler)

The table below is the one of docs/ARCHITECTURE.md.
"""

import pathlib
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

ROOT = pathlib.Path(__file__).resolve().parent.parent
SOURCE = ROOT / "src"
CODE = {".h", ".cpp", ".cu", ".cuh"}

# Left may include right. `engine` alone is engine.h, the one header that other folders see.
SEES = {
    "base": "",
    "net": "base",
    "image": "base",
    "service": "image base",
    "storage": "service net base",
    "api": "service base",
    "config": "service base",
    "worker": "engine service image net base",
    "engine/tensor": "base",
    "engine/backend": "engine/tensor base",
    "engine/ops": "engine/backend engine/tensor base",
    "engine/formats": "engine/tensor base",
    "engine/tokenizers": "base",
    "engine/sampling": "engine/ops engine/backend engine/tensor base",
    "engine/models": "engine/formats engine/ops engine/backend engine/tensor base",
    "engine/families": "engine/models engine/tokenizers engine/formats engine/ops engine/backend"
    " engine/tensor base",
    "engine/pipeline": "engine/families engine/models engine/sampling engine/tokenizers"
    " engine/formats engine/ops engine/backend engine/tensor base engine",
    "engine": "engine/pipeline engine/families engine/models engine/tokenizers engine/formats"
    " engine/backend engine/tensor base",
}
ENGINE_FACE = "engine/engine.h"

# Text that may not appear, where, and what to do instead.
BANNED = [
    (r"\bthrow\b(?! away)", CODE, "return a Result; we never throw"),
    (r"std::regex", CODE, "a hand-written scanner or RE2"),
    (r"\b(TODO|FIXME|XXX|HACK)\b", CODE | {".py", ".sh"}, "do it, or name it in an issue"),
    (r"using namespace (?!std::chrono|hwy|imagined)", {".h"}, "name what is used"),
    (r"\bprintf\(|std::cout", CODE, "base/log.h; results on stdout belong to src/cli"),
    (r"\bgetenv\(", CODE, "only src/cli reads the environment"),
]
EXEMPT = {
    "src/base/check.cpp": "printf",  # dies: must not depend on the logger
}
ENVIRONMENT_READERS = ("src/cli/", "src/base/config")
STDOUT_WRITERS = ("src/cli/",)
LINE_LIMIT = 1000  # a longer file says why in its first lines ("long because")


def layer(path: str) -> str:
    top, _, rest = path.partition("/")
    if top != "engine" or "/" not in rest:
        return top
    return f"{top}/{rest.split('/')[0]}"


def sideways(path: str, other: str) -> bool:
    """Two folders of ops, models or families may not know each other, except models/common."""
    mine, theirs = path.split("/"), other.split("/")
    if mine[:2] != theirs[:2] or mine[1] not in ("ops", "models", "families"):
        return False
    if len(mine) < 4 or len(theirs) < 4:  # a table such as models/registry.cpp names them all
        return False
    return mine[2] != theirs[2] and theirs[2] != "common" and "common" != mine[2]


def check_includes(path: pathlib.Path, lines: list[str]) -> list[str]:
    name = path.relative_to(SOURCE).as_posix()
    me = layer(name)
    broken = []
    for number, line in enumerate(lines, 1):
        match = re.match(r'#include "([^"]+/[^"]+)"', line)
        if not match:
            continue
        other_file = match[1]
        other = layer(other_file)
        where = f"src/{name}:{number}"
        if me in SEES and other != me and other not in SEES[me].split():
            broken.append(f"{where}: {me} may not include {other}")
        elif not me.startswith("engine") and other.startswith("engine") and other_file != ENGINE_FACE:
            if not name.endswith("_test.cpp"):
                broken.append(f"{where}: outside the engine only {ENGINE_FACE} is seen")
        elif sideways(name, other_file):
            broken.append(f"{where}: {other_file} is a neighbour's")
    return broken


def check_words(path: pathlib.Path, lines: list[str]) -> list[str]:
    name = path.relative_to(ROOT).as_posix()
    broken = []
    if name == "tools/lint.py":
        return broken
    for pattern, suffixes, advice in BANNED:
        if path.suffix not in suffixes:
            continue
        if "getenv" in pattern and name.startswith(ENVIRONMENT_READERS):
            continue
        if "printf" in pattern and (name.startswith(STDOUT_WRITERS) or not name.startswith("src/")):
            continue
        for number, line in enumerate(lines, 1):
            if not re.search(pattern, line) or EXEMPT.get(name, "\0") in line:
                continue
            if re.match(r"\s*(//|///|#|\*)", line) and "throw" in pattern:
                continue
            broken.append(f"{name}:{number}: `{re.search(pattern, line)[0]}`: {advice}")
    # Highway reads *_inl.h once per instruction set, so they carry another guard or none.
    if path.suffix == ".h" and not path.stem.endswith("_inl") and "#pragma once" not in lines:
        broken.append(f"{name}: no #pragma once")
    if len(lines) > LINE_LIMIT and not any("long because" in line for line in lines[:15]):
        broken.append(f"{name}: {len(lines)} lines; split it, or say why at its top")
    return broken


def compiles_alone(header: pathlib.Path) -> str | None:
    include = header.relative_to(SOURCE).as_posix()
    run = subprocess.run(
        ["g++", "-std=c++20", "-fsyntax-only", "-Wall", "-Wextra", f"-I{SOURCE}", "-x", "c++", "-"],
        input=f'#include "{include}"\n#include "{include}"\n', text=True, capture_output=True)
    return None if run.returncode == 0 else f"src/{include}: does not compile alone\n{run.stderr}"


def main() -> int:
    broken = []
    folders = [SOURCE, ROOT / "tests", ROOT / "bench", ROOT / "tools", ROOT / "training"]
    files = [p for f in folders if f.is_dir() for p in sorted(f.rglob("*")) if p.is_file()]
    for path in files:
        if path.suffix not in CODE | {".py", ".sh"}:
            continue
        lines = path.read_text(encoding="utf-8").splitlines()
        if SOURCE in path.parents:
            broken += check_includes(path, lines)
        broken += check_words(path, lines)
    if "--headers" in sys.argv:
        headers = [p for p in files if p.suffix == ".h" and SOURCE in p.parents]
        with ThreadPoolExecutor(2) as pool:
            broken += [b for b in pool.map(compiles_alone, headers) if b]
    print("\n".join(broken), end="\n" if broken else "")
    print(f"lint: {len(files)} files, {len(broken)} broken rules", file=sys.stderr)
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
