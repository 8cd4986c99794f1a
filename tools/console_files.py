#!/usr/bin/env python3
"""The files of console/ as the program serves them: as they are, each with its type and a name for its
content. The build runs it:

    tools/console_files.py console OUT.cpp
"""

import hashlib
import pathlib
import sys

from api_docs import literal

TYPES = {".html": "text/html; charset=utf-8", ".css": "text/css; charset=utf-8",
         ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml"}


def main():
    folder, out = map(pathlib.Path, sys.argv[1:])
    rows = []
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            text = path.read_text(encoding="utf-8")
            digest = hashlib.sha256(text.encode()).hexdigest()[:32]
            rows.append(f"    {{{literal(path.relative_to(folder).as_posix())},\n"
                        f"     {literal(TYPES[path.suffix])},\n"
                        f"     {literal(digest)},\n     {literal(text)}}},\n")
    out.write_text('// Made by tools/console_files.py.\n#include "api/http/console_files.h"\n\n'
                   "namespace imagined::api {\nnamespace {\n\n"
                   f"constexpr ConsoleFile kFiles[] = {{\n{''.join(rows)}}};\n\n"
                   "}  // namespace\n\n"
                   "const std::span<const ConsoleFile> kConsoleFiles = kFiles;\n\n"
                   "}  // namespace imagined::api\n", encoding="utf-8")


if __name__ == "__main__":
    main()
