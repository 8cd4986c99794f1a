#!/usr/bin/env python3
"""Adds up JUnit reports: names what failed and what was skipped and why, closes with the counts.

    tools/test_summary.py REPORT.xml... [--skipped "NAME: REASON"]...
"""

import argparse
import pathlib
import re
import sys
import xml.etree.ElementTree as ElementTree


def skip_reason(case: ElementTree.Element) -> str:
    """GoogleTest prints the reason into the output that CTest keeps; pytest gives a message."""
    output = case.findtext("system-out") or ""
    printed = re.search(r"Skipped\n(.+?)\n\[  SKIPPED \]", output, re.S) or re.search(
        r"_test\.cpp:\d+: Skipped\n+(.+)", output)
    if printed:
        return " ".join(printed[1].split())
    skipped = case.find("skipped")
    # A module that pytest skips whole has its reason in the text: "(file, line, 'Skipped: why')".
    whole_module = re.search(r"Skipped: (.+?)['\"]\)", skipped.text or "")
    if skipped.get("message") == "collection skipped" and whole_module:
        return whole_module[1]
    return (skipped.get("message") or "no reason given").strip()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("reports", nargs="*", type=pathlib.Path)
    parser.add_argument("--skipped", action="append", default=[], help="a whole part not run")
    options = parser.parse_args()

    passed, failed, skipped = 0, [], list(options.skipped)
    for report in options.reports:
        if not report.exists():
            failed.append(f"{report.stem}: wrote no report")
            continue
        for case in ElementTree.parse(report).getroot().iter("testcase"):
            name = case.get("name", "?")
            if case.find("failure") is not None or case.find("error") is not None:
                failed.append(name)
            elif case.find("skipped") is not None:
                skipped.append(f"{name}: {skip_reason(case)}")
            else:
                passed += 1
    for line in skipped:
        print(f"skipped  {line}")
    for line in failed:
        print(f"FAILED   {line}")
    print(f"{passed} passed, {len(failed)} failed, {len(skipped)} skipped")
    return 1 if failed or passed == 0 else 0


if __name__ == "__main__":
    sys.exit(main())
