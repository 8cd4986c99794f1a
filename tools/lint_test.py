#!/usr/bin/env python3
"""Each rule of lint.py, with a small tree that breaks it and one that does not."""

import unittest

import lint

# A tree of one port, its adapter, the wiring and a user, which breaks nothing.
CLEAN = {
    "src/service/ports/store.h": "#pragma once\nclass Store {\n  virtual void put() = 0;\n};\n",
    "src/storage/disk/disk_store.h": '#pragma once\n#include "service/ports/store.h"\n'
                                     "class DiskStore final : public service::Store {\n};\n",
    "src/cli/wiring.cpp": '#include "storage/disk/disk_store.h"\nDiskStore store;\n',
    "src/service/jobs/job.cpp": "void f(Store& store) { store.put(); }\n",
}


class LintTest(unittest.TestCase):
    def setUp(self):
        kept = dict(lint.KEPT)
        lint.KEPT.clear()
        self.addCleanup(lint.KEPT.update, kept)

    def broken(self, files):
        return lint.check_tree(CLEAN | files)

    def assert_breaks(self, files, *words):
        broken = self.broken(files)
        self.assertEqual(len(broken), 1, broken)
        for word in words:
            self.assertIn(word, broken[0])

    def test_a_clean_tree_breaks_nothing(self):
        self.assertEqual(self.broken({}), [])

    def test_a_folder_sees_only_what_its_row_names(self):
        self.assert_breaks({"src/api/x.cpp": '#include "storage/disk/disk_store.h"\n'},
                           "src/api/x.cpp:1", "api may not include storage")
        self.assert_breaks({"src/cli/x.cpp": '#include "engine/ops/gelu/gelu.h"\n'},
                           "only engine/engine.h")

    def test_operations_do_not_know_their_neighbours(self):
        self.assert_breaks({"src/engine/ops/rope/rope.cpp": '#include "engine/ops/gelu/gelu.h"\n'},
                           "neighbour")

    def test_a_library_stays_in_its_folders(self):
        self.assert_breaks({"src/service/jobs/x.cpp": "#include <nlohmann/json.hpp>\n"},
                           "src/service/jobs/x.cpp:1", "<nlohmann/json.hpp>", "api/wire")
        self.assert_breaks({"src/base/x.cpp": "#include <Eigen/Dense>\n"}, "not on the table")
        self.assertEqual(self.broken({"src/service/jobs/x_test.cpp": "#include <gtest/gtest.h>\n",
                                      "src/base/x.cpp": "#include <sys/stat.h>\n"}), [])

    def test_only_the_wiring_and_tests_name_an_adapter(self):
        self.assert_breaks({"src/cli/serve.cpp": "DiskStore store;\n"}, "src/cli/serve.cpp",
                           "DiskStore")
        self.assertEqual(self.broken({"src/service/jobs/x_test.cpp": "DiskStore store;\n",
                                      "src/cli/serve.cpp": '// DiskStore\nauto t = "DiskStore";\n'}),
                         [])

    def test_a_function_that_nobody_mentions_is_dead(self):
        header = {"src/base/hex.h": "#pragma once\nstd::string to_hex(int value);\n",
                  "src/base/hex.cpp": "std::string to_hex(int value) { return {}; }\n",
                  "src/base/hex_test.cpp": "auto t = to_hex(1);\n"}
        self.assert_breaks(header, "src/base/hex.h", "to_hex")
        self.assertEqual(self.broken(header | {"src/api/x.cpp": "auto t = to_hex(1);\n"}), [])

    def test_a_call_whose_value_is_returned_declares_nothing(self):
        self.assertEqual(self.broken({
            "src/base/hex.h": "#pragma once\ninline int to_hex() {\n  return of_the_system(1);\n}\n",
            "src/api/x.cpp": "auto t = to_hex();\n"}), [])

    def test_a_port_function_that_only_adapters_mention_is_dead(self):
        self.assert_breaks({
            "src/service/ports/store.h": "#pragma once\nclass Store {\n  virtual void put() = 0;\n"
                                         "  virtual int count() = 0;\n};\n",
            "src/storage/disk/disk_store.cpp": "int DiskStore::count() { return 1; }\n"}, "count")

    def test_a_slow_twin_is_not_dead(self):
        self.assertEqual(self.broken({
            "src/engine/ops/gelu/gelu.h": "#pragma once\nvoid gelu_reference(float* x);\n"}), [])

    def test_what_grows_has_a_row_with_a_limit_and_an_owner(self):
        table = ("| `jobs` | `queue_limit` | `src/config/settings.cpp` |"
                 " `src/service/maintenance/job_expiry.cpp` |\n")
        kept = {
            "docs/ARCHITECTURE.md": table,
            "src/storage/sqlite/schema.cpp": "CREATE TABLE jobs (\n",
            "src/config/settings.cpp": '{"queue_limit"}\n',
            "src/service/maintenance/job_expiry.cpp": "// removes old jobs\n",
            "src/cli/wiring.cpp": CLEAN["src/cli/wiring.cpp"] + "auto d = job_expiry(1);\n",
        }
        self.assertEqual(self.broken(kept), [])
        self.assert_breaks(kept | {"docs/ARCHITECTURE.md": ""}, "jobs", "no row")
        self.assert_breaks(kept | {"src/storage/disk/data_dir.h": '#pragma once\npath_ / "cache"\n'},
                           "cache", "no row")
        self.assert_breaks(kept | {"src/storage/sqlite/schema.cpp": "\n"}, "jobs", "any more")
        self.assert_breaks(kept | {"src/config/settings.cpp": "\n"}, "has no queue_limit")
        self.assert_breaks(kept | {"src/cli/wiring.cpp": CLEAN["src/cli/wiring.cpp"]},
                           "starts no job_expiry")

    def test_a_row_of_the_exceptions_that_is_not_needed_must_go(self):
        lint.KEPT["put"] = "for nobody"
        self.assert_breaks({}, "KEPT has put")

    def test_words_and_forms(self):
        self.assert_breaks({"src/base/x.cpp": "void f() { throw 1; }\n"}, "throw")
        self.assert_breaks({"src/api/x.cpp": 'auto h = getenv("HOME");\n'}, "getenv")
        self.assert_breaks({"src/base/x.h": "int x;\n"}, "no #pragma once")
        self.assert_breaks({"src/base/x.cpp": "//\n" * 1001}, "1001 lines")


if __name__ == "__main__":
    unittest.main()
