#!/usr/bin/env python3
"""lint_test.py ROOT: the lint scripts find the mistakes they are for, each made in a small tree of its own."""
import os
import subprocess
import sys
import tempfile
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
CMAKE = "sparkle_add_library(\n  NAME ir\n  SOURCES a.cpp\n  DEPENDS sparkle::support)\n"
JIT = "sparkle_add_library(\n  NAME jit\n  SOURCES jit.cpp\n  DEPENDS sparkle::runtime)\n"


def lint(script, files):
    """(exit code, output) of a script over a tree of these files; None: the file is left out."""
    with tempfile.TemporaryDirectory() as top:
        for path, text in {"runtime/CMakeLists.txt": JIT, **files}.items():
            if text is None:
                continue
            os.makedirs(os.path.dirname(os.path.join(top, path)), exist_ok=True)
            with open(os.path.join(top, path), "w", encoding="utf-8") as file:
                file.write(text)
        words = [sys.executable, os.path.join(HERE, script), top]
        done = subprocess.run(words, capture_output=True, text=True, check=False)
        return done.returncode, done.stdout + done.stderr


class CheckLayers(unittest.TestCase):
    def test_allowed(self):
        code, out = lint("check_layers.py", {
            "compiler/ir/a.cpp": '#include <vector>\n#include "compiler/support/b.h"\n', "compiler/support/b.h": ""})
        self.assertEqual(code, 0, out)

    def test_edge_against_the_order(self):
        code, out = lint("check_layers.py", {
            "compiler/support/a.cpp": '#include "compiler/ir/b.h"\n', "compiler/ir/b.h": ""})
        self.assertEqual(code, 1)
        self.assertIn("`compiler/support` may not include `compiler/ir/b.h`", out)

    def test_target_may_not_use_passes(self):
        code, out = lint("check_layers.py", {
            "targets/llvm/a.cpp": '#include "compiler/passes/b.h"\n', "compiler/passes/b.h": ""})
        self.assertEqual(code, 1)
        self.assertIn("`targets/llvm` may not include", out)

    def test_core_of_runtime_knows_only_the_artifact(self):
        files = {"compiler/target/artifact.h": "", "compiler/target/target_info.h": "",
                 "runtime/jit.cpp": '#include "compiler/target/target_info.h"\n',
                 "runtime/tensor.cpp": '#include "compiler/target/artifact.h"\n'}
        self.assertEqual(lint("check_layers.py", files)[0], 0)
        files["runtime/tensor.cpp"] = '#include "compiler/target/target_info.h"\n'
        code, out = lint("check_layers.py", files)
        self.assertEqual(code, 1)
        self.assertIn("`runtime core` may not include", out)

    def test_upward_path(self):
        code, out = lint("check_layers.py", {"dsl/a.cpp": '#include "../compiler/ir/b.h"\n', "compiler/ir/b.h": ""})
        self.assertEqual(code, 1)
        self.assertIn("`..` in the include", out)

    def test_relative_to_the_folder(self):
        self.assertIn("root-relative", lint("check_layers.py", {"dsl/a.cpp": '#include "b.h"\n', "dsl/b.h": ""})[1])

    def test_third_party_header_outside_its_folder(self):
        code, out = lint("check_layers.py", {"compiler/ir/a.cpp": "#include <llvm/IR/Module.h>\n"})
        self.assertEqual(code, 1)
        self.assertIn("may be included in targets/llvm/ only", out)

    def test_unknown_third_party_header(self):
        self.assertIn("has no owner", lint("check_layers.py", {"dsl/a.cpp": "#include <boost/any.hpp>\n"})[1])

    def test_new_folder(self):
        self.assertIn("not in the table of boxes", lint("check_layers.py", {
            "compiler/magic/a.cpp": '#include "compiler/ir/b.h"\n', "compiler/ir/b.h": ""})[1])


class CheckNames(unittest.TestCase):
    def test_neutral(self):
        code, out = lint("check_names.py", {"compiler/ir/a.h": "// wide lanes and near memory\n"})
        self.assertEqual(code, 0, out)

    def test_machine_in_a_comment(self):
        for word in ("AVX-512", "Vulkan", "kSpirv", "gl_WorkGroupID", "llvm::Type"):
            code, out = lint("check_names.py", {"compiler/ir/a.h": f"\n// fast on {word}\n"})
            self.assertEqual(code, 1, word)
            self.assertIn("compiler/ir/a.h:2", out)

    def test_elsewhere(self):
        self.assertEqual(lint("check_names.py", {"compiler/ir/a.h": "\n", "targets/llvm/b.h": "// LLVM\n"})[0], 0)


class CheckFiles(unittest.TestCase):
    def problem(self, path, text, expected):
        code, out = lint("check_files.py", {"compiler/ir/CMakeLists.txt": CMAKE, path: text})
        self.assertEqual(code, 1)
        self.assertIn(expected, out)

    def test_long_file(self):
        self.problem("compiler/ir/a.cpp", "\n" * 401, "401 lines")

    def test_unlisted_source(self):
        self.problem("compiler/ir/forgotten.cpp", "\n", "forgotten.cpp: not listed in compiler/ir/CMakeLists.txt")

    def test_listed_in_a_comment_only(self):
        out = lint("check_files.py", {"compiler/ir/CMakeLists.txt": "# a.cpp\n", "compiler/ir/a.cpp": "\n"})[1]
        self.assertIn("compiler/ir/a.cpp: not listed", out)

    def test_words(self):
        for word in ("TO" + "DO: later", "a mo" + "ck device", "place" + "holder", "/ro" + "ot/file"):
            self.problem("compiler/ir/a.cpp", f"// {word}\n", "compiler/ir/a.cpp:1")

    def test_topic(self):
        source = "// TO" + "DO(edges): none yet\n"
        out = lint("check_files.py", {"compiler/ir/CMakeLists.txt": CMAKE, "compiler/ir/a.cpp": source})[1]
        self.assertNotIn("compiler/ir/a.cpp", out)


class CheckPasses(unittest.TestCase):
    FILES = {"compiler/passes/passes.def": "SPARKLE_PASS(fold)\n",
             "tests/filetests/CMakeLists.txt": "sparkle_filetests(passes/fold)\n",
             "docs/architecture.md": "| `fold` | kernel | folds | tiled |\n",
             "compiler/passes/fold.h": "// before: after:\nstruct FoldOptions {};\n", "compiler/passes/fold.cpp": "\n",
             "compiler/pipeline/pipeline.cpp": '    {"fold", nullptr},\n', "tests/filetests/passes/fold/a.ir": "",
             "tests/filetests/passes/fold/b.ir": "", "tests/filetests/passes/fold/error_c.ir": ""}

    def test_complete(self):
        code, out = lint("check_passes.py", self.FILES)
        self.assertEqual(code, 0, out)

    def test_each_piece(self):
        for path in self.FILES:
            if path == "compiler/passes/passes.def":
                continue
            always_there = path in ("tests/filetests/CMakeLists.txt", "docs/architecture.md",
                                    "compiler/pipeline/pipeline.cpp")
            code, out = lint("check_passes.py", {**self.FILES, path: "" if always_there else None})
            self.assertEqual(code, 1, path)
            self.assertNotIn("Traceback", out)

    def test_folder_without_a_pass(self):
        out = lint("check_passes.py", {**self.FILES, "tests/filetests/passes/other/x.ir": ""})[1]
        self.assertIn("tests/filetests/passes/other: there is no such pass", out)


class SizeReport(unittest.TestCase):
    @staticmethod
    def function(lines):
        return "namespace n {\nint f(int a) {\n" + "  ++a;\n" * lines + "  return a;\n}\n} // namespace n\n"

    def test_short(self):
        code, out = lint("size_report.py", {"dsl/a.cpp": self.function(20)})
        self.assertEqual(code, 0, out)

    def test_long_function(self):
        out = lint("size_report.py", {"dsl/a.cpp": self.function(90)})[1]
        self.assertIn("dsl/a.cpp:2: a function of 93 lines", out)

    def test_long_files(self):
        self.assertIn("the median file", lint("size_report.py", {"dsl/a.cpp": "int a;\n" * 201})[1])


class NothingToCheck(unittest.TestCase):
    def test_fails(self):
        for script in ("check_layers.py", "check_names.py"):
            self.assertEqual(lint(script, {})[0], 1, script)


if __name__ == "__main__":
    unittest.main()
