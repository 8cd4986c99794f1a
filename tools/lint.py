#!/usr/bin/env python3
"""Checks the rules that the source tree keeps.

    tools/lint.py            prints one line per broken rule, exits 1 when there is one
    tools/lint.py --headers  also compiles every header alone (needs a C++ compiler)

Who includes whom (the table below is the one of docs/ARCHITECTURE.md), which folder may use which
library, that only the wiring names adapters, that no function is kept for nobody, that whatever
grows has a limit and somebody who empties it, and words we do not use. lint_test.py holds this
file to it.
"""

import collections
import pathlib
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

ROOT = pathlib.Path(__file__).resolve().parent.parent
CODE = {".h", ".cpp"}

# Left may include right. `engine` alone is engine.h, the one header that other folders see.
SEES = {
    "base": "",
    "net": "base",
    "hub": "net base",
    "image": "base",
    "video": "image base",
    "decoder": "video image base",
    "service": "image base",
    "storage": "service net base",
    "api": "service base",
    "config": "service net base",
    "worker": "engine decoder video service image base",
    "engine/tensor": "base",
    "engine/backend": "engine/tensor base",
    "engine/ops": "engine/backend engine/tensor image base",
    "engine/formats": "engine/tensor base",
    "engine/tokenizers": "base",
    "engine/sampling": "engine/ops engine/backend engine/tensor base",
    "engine/models": "engine/formats engine/ops engine/backend engine/tensor base",
    "engine/families": "engine/models engine/tokenizers engine/formats engine/ops engine/backend"
    " engine/tensor base engine",
    "engine/pipeline": "engine/families engine/models engine/sampling engine/tokenizers"
    " engine/formats engine/ops engine/backend engine/tensor image base engine",
    "engine/lab": "engine/pipeline engine/families engine/models engine/formats engine/backend"
    " engine/tensor image base engine",
    "engine": "engine/pipeline engine/families engine/models engine/tokenizers engine/formats"
    " engine/backend engine/tensor image base",
}
ENGINE_FACE = "engine/engine.h"
ENGINE_LAB = "engine/lab/lab.h"  # seen by commands beside it
PICTURE = "image/picture.h"  # data only, and all that the engine sees of its folder

# A library's headers, and the folders that may include them. Tests may include any.
LIBRARIES = {
    "aom/": "video",
    "argon2.h": "base",
    "boost/": "api/listen api/call api/http api/grpc",
    "curl/": "net",
    "dav1d/": "video",
    "fmt/": "",  # anywhere
    "gmock/": "tests",
    "google/protobuf/": "api/grpc",
    "grpc/": "api/grpc",
    "grpcpp/": "api/grpc",
    "gtest/": "tests",
    "hwy/": "engine/tensor engine/backend engine/ops",
    "immintrin.h": "engine/backend engine/ops",
    "lcms2.h": "image",
    "libdeflate.h": "image",
    "nlohmann/": "api/wire base engine/families engine/formats engine/tokenizers hub storage/codec",
    "openssl/": "base",
    "png.h": "image",
    "seccomp.h": "decoder",
    "sqlite3.h": "storage/sqlite",
    "tl/": "base",
    "toml++/": "config",
    "turbojpeg.h": "image",
    "utf8proc.h": "engine/tokenizers service/moderation",
    "webp/": "image",
    "wels/": "video",
    "xai/": "api/grpc",
}
SYSTEM = ("arpa/", "linux/", "net/", "netinet/", "sys/")

# Classes that keep a port of src/service/ports may be named by these alone, and by tests.
WIRING = "src/cli/wiring"

# Functions that only tests use, or that wait for their first user, each with the reason. A row
# that is no longer needed breaks the rule, so the list can only shrink.
KEPT = {
    "advance_ms": "the clock of tests",
    "set_origin": "the clock of tests",
}

# Text that may not appear, where, and what to do instead.
BANNED = [
    (r"\bthrow\b(?! away)", CODE, "return a Result; we never throw"),
    (r"std::regex", CODE, "a hand-written scanner or RE2"),
    (r"\b(TODO|FIXME|XXX|HACK)\b", CODE | {".py", ".sh"}, "do it, or name it in an issue"),
    (r"using namespace (?!std::chrono|hwy|imagined)", {".h"}, "name what is used"),
    (r"\bprintf\(|std::cout", CODE, "base/log.h; results on stdout belong to src/cli"),
    (r"video::decode_(frames|h264|av1)\(", CODE, "decoder::Decoder: strangers' videos are decoded in a child"),
    (r"image::decode\(", CODE, "decoder::Decoder: strangers' pictures are decoded in a child"),
    (r"\bgetenv\(", CODE, "only src/cli reads the environment"),
    (r"\bTempDir\(|temp_directory_path\(", CODE, "base/folder_testing.h: tests run side by side"),
]
EXEMPT = {
    "src/base/check.cpp": "printf",  # dies: must not depend on the logger
    "src/base/folder_testing.h": "temp_directory_path",
    "src/base/memory.cpp": "bad_alloc",
    "tests/e2e/faults.cpp": "getenv",  # loaded into a program that knows nothing of it
}
ENVIRONMENT_READERS = ("src/cli/",)
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
    if len(mine) < 4 or len(theirs) < 4:  # a file beside the folders may name them all
        return False
    return mine[2] != theirs[2] and theirs[2] != "common" and "common" != mine[2]


def is_test(name: str) -> bool:
    """Code that only tests use: they may break in where others may not."""
    file = name.rsplit("/", 1)[-1]
    return (not name.startswith("src/") or name.startswith("src/storage/memory/")
            or re.search(r"(^|_)(test|testing|fuzz)[_.]", file) is not None)


def check_includes(name: str, lines: list[str]) -> list[str]:
    inner = name.removeprefix("src/")
    me = layer(inner)
    broken = []
    for number, line in enumerate(lines, 1):
        match = re.match(r'#include "([^"]+/[^"]+)"', line)
        if not match:
            continue
        other_file = match[1]
        other = layer(other_file)
        where = f"{name}:{number}"
        if me in SEES and other != me and other not in SEES[me].split():
            broken.append(f"{where}: {me} may not include {other}")
        elif not me.startswith("engine") and other.startswith("engine") and not (
                other_file == ENGINE_FACE or (me == "cli" and other_file == ENGINE_LAB)):
            if not name.endswith("_test.cpp"):
                broken.append(f"{where}: outside the engine only {ENGINE_FACE} is seen")
        elif me.startswith("engine") and other == "image" and other_file != PICTURE:
            broken.append(f"{where}: of image the engine sees only {PICTURE}")
        elif sideways(inner, other_file):
            broken.append(f"{where}: {other_file} is a neighbour's")
    return broken


def check_libraries(name: str, lines: list[str]) -> list[str]:
    broken = []
    for number, line in enumerate(lines, 1):
        match = re.match(r"#include <([^>]+)>", line)
        if not match or is_test(name):
            continue
        header, where = match[1], f"{name}:{number}"
        row = next((start for start in LIBRARIES if header.startswith(start)), None)
        if row is None:
            if "/" in header and not header.startswith(SYSTEM):
                broken.append(f"{where}: <{header}> is not on the table of libraries")
        elif LIBRARIES[row] and not any(
                name.startswith(f"src/{folder}/") for folder in LIBRARIES[row].split()):
            broken.append(f"{where}: <{header}> belongs to {LIBRARIES[row]}")
    return broken


def bare(text: str) -> str:
    """Code without comments and without what stands in quotes."""
    text = re.sub(r"//[^\n]*|/\*.*?\*/", "", text, flags=re.S)
    return re.sub(r'"(?:\\.|[^"\\\n])*"', '""', text)


def check_adapters(code: dict[str, str]) -> list[str]:
    """Only the wiring may say which class keeps a port."""
    ports = {port for name, text in code.items() if name.startswith("src/service/ports/")
             for port in re.findall(r"^class (\w+)", text, re.M)}
    broken = []
    for name, text in code.items():
        if is_test(name) or not name.startswith("src/"):
            continue
        for adapter, bases in re.findall(r"class (\w+)(?: final)? : ([^{]+)\{", text):
            if not ports & set(re.findall(r"\w+", bases)):
                continue
            own = name.rsplit(".", 1)[0] + "."
            for user, other in sorted(code.items()):
                if user.startswith((own, WIRING)) or is_test(user):
                    continue
                if re.search(rf"\b{adapter}\b", other):
                    broken.append(f"{user}: {adapter} keeps a port; only {WIRING}* name it")
    return broken


DECLARED = re.compile(
    r"^[ \t]*(?:(?:inline|static|constexpr|virtual|explicit|\[\[nodiscard\]\]|template <[^;{]*?>)\s+)*"
    r"(?!return\b)[A-Za-z_][\w:<>,&*\s]*?[\s&*>]([a-z_]\w*)\s*\(", re.M)
NO_FUNCTIONS = {"if", "for", "while", "switch", "return", "sizeof", "decltype", "noexcept",
                "operator", "requires", "defined", "static_assert", "alignas"}


def check_dead_functions(code: dict[str, str]) -> list[str]:
    """A function that a header declares and that nothing of the product mentions again.

    Slow twins, x_reference, exist for tests. The functions of a .cpp are the compiler's to find.
    """
    mentions = collections.defaultdict(collections.Counter)
    called = set()
    for name, text in code.items():
        if is_test(name):
            continue
        mentions_here = collections.Counter(re.findall(r"[A-Za-z_]\w*", text))
        for word, count in mentions_here.items():
            mentions[word][name] = count
        called |= set(re.findall(r"(?:\.|->)\s*(\w+)\s*\(", text))
    dead = {}
    for name, text in code.items():
        if is_test(name) or not name.endswith(".h"):
            continue
        body = name[:-1] + "cpp"
        for function in set(DECLARED.findall(text)) - NO_FUNCTIONS:
            if function.endswith("_reference"):
                continue
            users = mentions[function]
            if re.search(rf"^ +virtual .*\b{function}\(", text, re.M):
                unused = function not in called  # whoever overrides it mentions it too
            else:
                unused = set(users) <= {name, body} and users[name] <= 1 and users[body] <= 1
            if unused:
                dead[function] = name
    broken = [f"{name}: {function} is used by nobody; remove it" for function, name in dead.items()
              if function not in KEPT]
    broken += [f"tools/lint.py: KEPT has {function}, which is used or gone" for function in KEPT
               if function not in dead]
    return sorted(broken)


GROWTH_TABLE = "docs/ARCHITECTURE.md"
SCHEMA = "src/storage/sqlite/schema.cpp"
DATA_DIR = "src/storage/disk/data_dir.h"


def check_growth(texts: dict[str, str]) -> list[str]:
    """What a request can fill is on the table of what grows, with a limit and an owner."""
    row = re.compile(r"^\| `([^`]+)` \| `([^`]+)` \| `([^`]+)` \| `([^`]+)` \|$", re.M)
    rows = {what: rest for what, *rest in row.findall(texts.get(GROWTH_TABLE, ""))}
    tables = re.findall(r"^CREATE TABLE (\w+)", texts.get(SCHEMA, ""), re.M)
    folders = re.findall(r'path_ / "(\w+)"', texts.get(DATA_DIR, ""))
    # A table that is written anew is called x_2 until it takes the old one's place.
    grown = {re.sub(r"_\d+$", "", table) for table in tables} | set(folders)
    broken = [f"{GROWTH_TABLE}: {what} can grow and has no row" for what in grown - set(rows)]
    for what, (limit, place, owner) in rows.items():
        if what not in grown and not what.startswith("*"):
            broken.append(f"{GROWTH_TABLE}: {what} is no table and no folder any more")
        if limit not in texts.get(place, ""):
            broken.append(f"{GROWTH_TABLE}: {what}: {place} has no {limit}")
        if owner not in texts:
            broken.append(f"{GROWTH_TABLE}: {what}: there is no {owner}")
        elif "/maintenance/" in owner:
            duty = pathlib.PurePath(owner).stem
            if f"{duty}(" not in texts.get(f"{WIRING}.cpp", ""):
                broken.append(f"{GROWTH_TABLE}: {what}: {WIRING}.cpp starts no {duty}")
    return broken


def check_words(name: str, lines: list[str]) -> list[str]:
    suffix = pathlib.PurePath(name).suffix
    broken = []
    if name == "tools/lint.py":
        return broken
    for pattern, suffixes, advice in BANNED:
        if suffix not in suffixes:
            continue
        if "decode" in pattern and (name.startswith("src/decoder/") or not name.startswith("src/")):
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
    if suffix == ".h" and not name.endswith("_inl.h") and "#pragma once" not in lines:
        broken.append(f"{name}: no #pragma once")
    if len(lines) > LINE_LIMIT and not any("long because" in line for line in lines[:15]):
        broken.append(f"{name}: {len(lines)} lines; split it, or say why at its top")
    return broken


def compiles_alone(root: pathlib.Path, header: str) -> str | None:
    include = header.removeprefix("src/")
    run = subprocess.run(
        ["g++", "-std=c++20", "-fsyntax-only", "-Wall", "-Wextra", f"-I{root / 'src'}", "-x", "c++",
         "-"],
        input=f'#include "{include}"\n#include "{include}"\n', text=True, capture_output=True)
    return None if run.returncode == 0 else f"{header}: does not compile alone\n{run.stderr}"


def read_tree(root: pathlib.Path) -> dict[str, str]:
    """The text of every file that a rule is about, by its path from the root."""
    paths = [p for folder in ("src", "tests", "bench", "tools", "training")
             for p in sorted((root / folder).rglob("*"))]
    paths = [p for p in paths if p.is_file() and p.suffix in CODE | {".py", ".sh"}]
    return {p.relative_to(root).as_posix(): p.read_text(encoding="utf-8")
            for p in [*paths, root / GROWTH_TABLE]}


def check_tree(texts: dict[str, str]) -> list[str]:
    broken = []
    for name, text in texts.items():
        lines = text.splitlines()
        if name.startswith("src/"):
            broken += check_includes(name, lines) + check_libraries(name, lines)
        broken += check_words(name, lines)
    code = {name: bare(text) for name, text in texts.items()
            if pathlib.PurePath(name).suffix in CODE}
    return broken + check_adapters(code) + check_dead_functions(code) + check_growth(texts)


def main() -> int:
    texts = read_tree(ROOT)
    broken = check_tree(texts)
    if "--headers" in sys.argv:
        headers = [name for name in texts if name.startswith("src/") and name.endswith(".h")]
        with ThreadPoolExecutor(2) as pool:
            found = pool.map(lambda header: compiles_alone(ROOT, header), headers)
            broken += [line for line in found if line]
    print("\n".join(broken), end="\n" if broken else "")
    print(f"lint: {len(texts)} files, {len(broken)} broken rules", file=sys.stderr)
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
