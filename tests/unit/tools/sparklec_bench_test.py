"""`sparklec bench`: the report's keys, and peers that answer, refuse, lie, die or stay silent. Times are not judged."""
import json
import os
import time

import sparklec
from sparklec import CommandTest, NO_VULKAN, SPARKLEC

SHAPES = """# Two layers, the second one three times.
ic4oc8_ih6oh6kh3ph1_n"three"
ic8oc8_ih5oh5kh1ph0_n"pointwise*3"
"""
QUICK = ["--pairs", "3"]
TOP_KEYS = {"machine", "peak_gflops", "threads", "isa", "target", "commit", "list", "op", "layout", "batch", "pairs", "clock",
            "peer", "peer_layout", "geomean_ratio", "rows"}
ROW_KEYS = {"name", "shape", "count", "gflops", "percent_of_peak", "peer_gflops", "ratio", "ratio_low", "ratio_high", "wall_s",
            "seconds", "peer_seconds", "gb_per_s", "compile_ms", "peer_code", "peer_why", "failure", "compared", "right", "pairs",
            "pairs_dropped", "disturbed"}

# A peer takes a millisecond for a run. What it does with requests follows; `what` is the request's kind.
PEER = """#!/usr/bin/env python3
import json, os, sys, time
log = open({log!r}, "a")
for line in sys.stdin:
    request = json.loads(line)
    what = request["do"]
    log.write(line)
    log.flush()
    reply = {{"prepare": lambda: {{"code": "fake " + os.environ.get("ONEDNN_MAX_CPU_ISA", "uncapped")}},
              "run": lambda: {{"seconds": 1e-3 * request["times"], "wall": 2e-3 * request["times"]}},
              "values": lambda: {{"error": "not told"}}}}[what]()
    {behaviour}
    print(json.dumps(reply), flush=True)
"""


class Bench(CommandTest):
    def bench(self, *words, code=0):
        """The finished process and its JSON object."""
        path = self.write("two.txt", SHAPES)
        done = self.sparklec("bench", "--shapes", path, *QUICK, *words, "--json", self.path("out.json"), code=code, env=NO_VULKAN)
        return done, json.loads(self.read("out.json"))

    def peer(self, behaviour="pass"):
        path = self.write("peer.py", PEER.format(log=self.path("log"), behaviour=behaviour))
        os.chmod(path, 0o755)
        return path

    def requests(self):
        return [json.loads(line) for line in self.read("log").splitlines()]

    def check_ours(self, report):
        self.assertEqual(set(report), TOP_KEYS)
        self.assertEqual([row["name"] for row in report["rows"]], ["three", "pointwise"])
        self.assertEqual([row["count"] for row in report["rows"]], [1, 3])
        for row in report["rows"]:
            self.assertEqual(set(row), ROW_KEYS)
            self.assertIsNone(row["failure"])
            self.assertGreater(row["wall_s"], 0)
            self.assertGreater(row["gflops"], 0)
            self.assertGreater(row["percent_of_peak"], 0)

    def check_no_ratio(self, report, word):
        self.check_ours(report)
        self.assertIsNone(report["geomean_ratio"])
        for row in report["rows"]:
            self.assertIsNone(row["ratio"])
            self.assertIsNone(row["peer_gflops"])
            self.assertIn(word, row["peer_why"])

    def test_alone(self):
        done, report = self.bench("--commit", "abc", "--batch", "2")
        self.check_ours(report)
        self.assertIsNone(report["peer"])
        self.assertEqual((report["commit"], report["batch"], report["threads"], report["clock"]), ("abc", 2, 1, "thread"))
        self.assertIn("mb2", report["rows"][0]["shape"])
        self.assertIn("pointwise*3", done.stdout)
        self.assertNotIn("ratio", done.stdout)

    def test_options(self):
        for words in (["--layout", "nchw"], ["--threads", "2"], ["--isa", "avx2"], ["--op", "maxpool"]):
            _, report = self.bench(*words)
            self.check_ours(report)
        done = self.sparklec("bench", "--shapes", self.path("two.txt"), *QUICK, "--filter", "point", "--json", "-", env=NO_VULKAN)
        self.assertEqual([row["name"] for row in json.loads(done.stdout)["rows"]], ["pointwise"])

    def test_peer(self):
        done, report = self.bench("--peer", self.peer(), "--peer-layout", "plain")
        self.check_ours(report)

        for row in report["rows"]:
            self.assertEqual(row["peer_code"], "fake uncapped")
            self.assertAlmostEqual(row["peer_seconds"], 1e-3)
            self.assertLessEqual(row["ratio_low"], row["ratio"])
            self.assertLessEqual(row["ratio"], row["ratio_high"])
            self.assertFalse(row["compared"])
        weighted = report["rows"][0]["ratio"] * report["rows"][1]["ratio"] ** 3
        self.assertAlmostEqual(report["geomean_ratio"] / weighted ** 0.25, 1, delta=0.01)
        self.assertIn("ratio", done.stdout)
        prepared = [one for one in self.requests() if one["do"] == "prepare"]
        self.assertEqual(prepared[0]["shape"], report["rows"][0]["shape"])
        self.assertEqual({key: prepared[0][key] for key in ("op", "layout", "element", "peer_layout", "threads")},
                         {"op": "conv", "layout": "nhwc", "element": "f32", "peer_layout": "plain", "threads": 1})
        self.assertEqual(set(prepared[0]["fill"]), {"src", "wei", "bias"})

    def test_peer_is_capped(self):
        _, report = self.bench("--peer", self.peer(), "--isa", "avx2")
        self.assertEqual(report["rows"][0]["peer_code"], "fake AVX2")

    def test_peer_that_refuses(self):
        _, report = self.bench("--peer", self.peer('reply = {"error": "no such thing"}'))
        self.check_no_ratio(report, "no such thing")

    def test_peer_that_dies(self):
        done, report = self.bench("--peer", self.peer('what == "run" and sys.exit(3)'))
        self.check_no_ratio(report, "exit code 3")
        self.assertIn("exit code 3", done.stdout)
        self.assertEqual(len([one for one in self.requests() if one["do"] == "prepare"]), 2)

    def test_peer_that_always_dies_is_left_alone(self):
        path = self.write("five.txt", SHAPES + SHAPES + 'ic1oc1_ih3kh1_n"last"\n')
        done = self.sparklec("bench", "--shapes", path, *QUICK, "--peer", self.peer("sys.exit(4)"), "--json", "-", env=NO_VULKAN)
        rows = json.loads(done.stdout)["rows"]
        self.assertEqual(len(self.requests()), 3)
        self.assertIn("exit code 4", rows[2]["peer_why"])
        self.assertIn("too often", rows[3]["peer_why"])
        self.assertGreater(rows[4]["gflops"], 0)

    def test_peer_that_is_silent(self):
        start = time.monotonic()
        _, report = self.bench("--peer", self.peer('what == "run" and time.sleep(1000)'), "--peer-timeout", "1")
        self.check_no_ratio(report, "no answer")
        self.assertLess(time.monotonic() - start, 100)

    def test_peer_that_talks_nonsense(self):
        _, report = self.bench("--peer", self.peer('print("hello", flush=True)'))
        self.check_no_ratio(report, "hello")

    def test_peer_with_other_results(self):
        peer = self.peer('if what == "values": reply = {"values": [1e9] * len(request["at"])}')
        done, report = self.bench("--peer", peer, code=70)
        self.assertIsNone(report["geomean_ratio"])
        for row in report["rows"]:
            self.assertIs(row["right"], False)
            self.assertIn("results differ", row["peer_why"])
        self.assertIn("results differ", done.stderr)

    def test_no_peer(self):
        done, report = self.bench("--peer", "nobody")
        self.check_ours(report)
        self.assertIn("nobody", done.stderr)
        self.assertIsNone(report["peer"])

    def rows_beside(self, peer, *words):
        if not os.path.exists(os.path.join(os.path.dirname(SPARKLEC), "sparkle-peer-" + peer)):
            self.skipTest("built without " + peer)
        path = os.path.join(sparklec.ROOT, "tests", "shapes", words[0])
        done = self.sparklec("bench", "--shapes", path, "--pairs", "1", "--peer", peer, *words[1:], "--json", "-", env=NO_VULKAN)
        return json.loads(done.stdout)["rows"]

    def test_onednn(self):
        for words in (["basic_1d.txt"], ["basic_2d.txt", "--layout", "nchw"], ["basic_2d.txt", "--peer-layout", "plain"],
                      ["basic_3d.txt", "--filter", "tail"]):
            for row in self.rows_beside("onednn", *words):
                self.assertTrue(row["right"], row)

    def test_openblas(self):
        for words in (["basic_1d.txt"], ["basic_2d.txt", "--layout", "nchw"], ["basic_2d.txt", "--threads", "2"],
                      ["basic_3d.txt", "--filter", "tail"]):
            rows = self.rows_beside("openblas", *words)
            self.assertTrue(any(row["right"] for row in rows))
            for row in rows:
                refused = "depthwise" in (row["peer_why"] or "")
                self.assertEqual(refused, "depthwise" in row["name"], row)
                self.assertTrue(row["right"] or refused, row)
        for row in self.rows_beside("openblas", "pooling.txt", "--op", "maxpool", "--filter", "vgg_5"):
            self.assertIn("no pooling", row["peer_why"])

    def test_torch_says_that_it_is_not_there(self):
        rows = self.rows_beside("torch", "basic_2d.txt", "--filter", "three_tail")
        for row in rows:
            self.assertTrue(row["right"] or "not installed" in row["peer_why"], row)

    def jit(self, *words, code=0):
        done = self.sparklec("bench", "--jit", *words, "--repeat", "3", "--json", self.path("jit.json"), code=code, env=NO_VULKAN)
        return done, json.loads(self.read("jit.json"))

    def check_phases(self, row):
        self.assertIsNone(row["failure"])
        for what in ("cold_ms", "again_ms", "p99_ms"):
            self.assertEqual(list(row[what]), ["total", "open", "parse", "import", "plan", "passes", "lower"])
            for phase, ms in row[what].items():
                self.assertEqual(ms > 0, phase != "open" or what == "cold_ms", (what, phase))
        self.assertAlmostEqual(row["cold_ms"]["total"] / sum(ms for name, ms in row["cold_ms"].items() if name != "total"), 1)
        self.assertLessEqual(row["again_ms"]["total"], row["p99_ms"]["total"])

    def test_jit(self):
        program = self.write("m.spk", sparklec.MATMUL)
        done, report = self.jit(program, *sparklec.SIZES, "-D", "NOBODY=3")
        self.assertEqual(set(report), {"machine", "commit", "repeats", "rows"})
        self.check_phases(report["rows"][0])
        for word in ("cold", "again", "p99", "lower"):
            self.assertIn(word, done.stdout)
        _, report = self.jit("--shapes", self.write("two.txt", SHAPES))
        self.assertEqual([row["name"] for row in report["rows"]], ["three", "pointwise"])
        for row in report["rows"]:
            self.check_phases(row)

    def test_jit_goes_on_after_a_mistake(self):
        wrong, right = self.write("w.spk", "kernel nonsense"), self.write("m.spk", sparklec.MATMUL)
        _, report = self.jit(wrong, right, *sparklec.SIZES, code=1)
        self.assertIn("w.spk:1", report["rows"][0]["failure"])
        self.check_phases(report["rows"][1])

    def test_mistakes(self):
        shapes = self.write("two.txt", SHAPES)
        self.sparklec("bench", code=2)
        self.sparklec("bench", "--jit", code=2)
        self.sparklec("bench", shapes, code=2)
        self.sparklec("bench", "--jit", shapes, "--shapes", shapes, code=2)
        self.sparklec("bench", "--jit", shapes, "-D", "N=", code=1)
        self.sparklec("bench", "--shapes", shapes, "--batch", "0", code=2)
        self.sparklec("bench", "--shapes", shapes, "--filter", "nothing", code=1)
        self.sparklec("bench", "--shapes", self.path("none.txt"), code=1)
        done = self.sparklec("bench", "--shapes", self.write("bad.txt", "ic4oc8_zz3\n"), code=1)
        self.assertIn("line 1", done.stderr)
        self.sparklec("bench", "--shapes", shapes, *QUICK, "--json", self.path("no/folder.json"), code=1)


if __name__ == "__main__":
    sparklec.main()
