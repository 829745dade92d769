"""The protocol part of sparkle-peer-torch, which needs no PyTorch; and its operators, where there is one."""
import importlib.util
import json
import subprocess
import sys
import unittest

SCRIPT = sys.argv.pop(1)
PREPARE = {"do": "prepare", "shape": 'g1mb2_ic3ih7iw6_oc4oh3ow3_kh3kw2sh2sw2ph1pw0dh0dw0_n"a 9*2"', "op": "conv", "layout": "nhwc",
           "element": "f32", "peer_layout": "any", "threads": 1,
           "fill": {name: {"seed": 7 + at, "low": -2, "high": 2} for at, name in enumerate(("src", "wei", "bias"))}}


def load():
    spec = importlib.util.spec_from_file_location("torch_peer", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


PEER = load()


def has_torch():
    return importlib.util.find_spec("torch") is not None


class Fake:
    runs = 0

    def code(self):
        return "fake"

    def run(self):
        Fake.runs += 1

    def values(self, places):
        return [float(place) for place in places]


class Protocol(unittest.TestCase):
    def setUp(self):
        self.server = PEER.Server(lambda request: Fake())

    def ask(self, **request):
        return self.server.answer(json.dumps(request))

    def test_requests_in_order(self):
        self.assertEqual(self.ask(**PREPARE), {"code": "fake"})
        before = Fake.runs
        times = self.ask(do="run", times=5)
        self.assertEqual(set(times), {"seconds", "wall"})
        self.assertEqual(Fake.runs - before, 5)
        self.assertEqual(self.ask(do="values", at=[0, 3]), {"values": [0.0, 3.0]})

    def test_what_is_not_there_yet(self):
        self.assertIn("nothing was prepared", self.ask(do="run", times=1)["error"])
        self.ask(**PREPARE)
        self.assertIn("nothing was run", self.ask(do="values", at=[0])["error"])
        self.assertIn("does not run", self.ask(do="run", times=0)["error"])

    def test_nonsense(self):
        for line in ("", "hello", "[]", "{}", '{"do": "dance"}', '{"do": "run"}', '{"do": "prepare"}', '{"do": ["run"]}'):
            self.assertIn("error", self.server.answer(line), line)

    def test_a_refusal_forgets_what_was_prepared(self):
        self.ask(**PREPARE)
        self.server.prepare = PEER.prepare_with_torch
        self.assertIn("error", self.ask(**dict(PREPARE, element="u8")))
        self.assertIn("error", self.ask(do="run", times=1))

    def test_shapes(self):
        shape = PEER.Shape(PREPARE["shape"])
        self.assertEqual((shape.batch, shape.groups, shape.ic, shape.oc), (2, 1, 3, 4))
        self.assertEqual((shape.inputs, shape.outputs, shape.kernel), ([7, 6], [3, 3], [3, 2]))
        self.assertEqual((shape.stride, shape.pad, shape.dilation), ([2, 2], [1, 0], [1, 1]))
        self.assertEqual(shape.padding_behind(), [-1, 0])
        row = PEER.Shape("g3mb1_ic15iw9_oc21ow5_kw3sw2pw1dw1")
        self.assertEqual((row.axes, row.dilation, row.padding_behind()), (["w"], [2], [3]))
        self.assertFalse(row.is_symmetric())

    def test_as_a_program(self):
        lines = json.dumps(PREPARE) + "\nhello\n"
        done = subprocess.run([sys.executable, SCRIPT], input=lines, capture_output=True, text=True, timeout=120)
        self.assertEqual(done.returncode, 0, done.stderr)
        first, second = [json.loads(line) for line in done.stdout.splitlines()]
        self.assertIn("code" if has_torch() else "error", first)
        if not has_torch():
            self.assertIn("not installed", first["error"])
        self.assertIn("error", second)


class SignedNumbers:
    """Of PyTorch what fill needs, of one number: 64 bits that wrap."""

    int64 = None

    def arange(self, first, end, dtype):
        assert end == first + 1
        return Signed(first)


class Signed(int):
    def _wrapped(value):
        value &= (1 << 64) - 1
        return Signed(value - (1 << 64) if value >> 63 else value)

    def __mul__(self, other):
        return Signed._wrapped(int(self) * int(other))

    def __xor__(self, other):
        return Signed(int(self) ^ int(other))

    def __and__(self, other):
        return Signed(int(self) & int(other))

    def __rshift__(self, by):
        return Signed(int(self) >> by)

    def __add__(self, other):
        return Signed._wrapped(int(self) + int(other))


def splitmix(seed, number, low, high):
    """As runtime/fill.cpp has it, without the wrapping of signed numbers."""
    mask = (1 << 64) - 1
    z = (seed + 0x9E3779B97F4A7C15) & mask
    z = ((z ^ z >> 30) * 0xBF58476D1CE4E5B9) & mask
    z ^= ((number + 1) * 0x9E3779B97F4A7C15) & mask
    z = ((z ^ z >> 30) * 0xBF58476D1CE4E5B9) & mask
    z = ((z ^ z >> 27) * 0x94D049BB133111EB) & mask
    return low + ((z ^ z >> 31) * (high - low + 1) >> 64)


class Data(unittest.TestCase):
    def test_first_numbers(self):
        for seed in (0, 7, 64, (1 << 63) + 5):
            self.assertEqual(int(PEER.integers(SignedNumbers(), {"seed": seed, "low": -2, "high": 2}, 1)), splitmix(seed, 0, -2, 2))

    @unittest.skipUnless(has_torch(), "PyTorch is not installed")
    def test_all_numbers(self):
        import torch
        numbers = PEER.integers(torch, {"seed": 9, "low": -3, "high": 4}, 1000)
        self.assertEqual(numbers.tolist(), [splitmix(9, number, -3, 4) for number in range(1000)])


@unittest.skipUnless(has_torch(), "PyTorch is not installed")
class Operators(unittest.TestCase):
    def test_a_convolution(self):
        server = PEER.Server(PEER.prepare_with_torch)
        for layout in ("nhwc", "nchw"):
            self.assertIn("code", server.answer(json.dumps(dict(PREPARE, layout=layout))))
            server.answer(json.dumps({"do": "run", "times": 1}))
            value = server.answer(json.dumps({"do": "values", "at": [0]}))["values"][0]
            source = lambda h, w, c: splitmix(7, (h * 6 + w) * 3 + c if layout == "nhwc" else (c * 7 + h) * 6 + w, -2, 2)
            weight = lambda h, w, c: splitmix(8, ((h * 2 + w) * 3 + c) * 4, -2, 2)
            total = sum(source(h - 1, w, c) * weight(h, w, c) for h in (1, 2) for w in range(2) for c in range(3))
            self.assertEqual(value, max(total + splitmix(9, 0, -2, 2), 0))


if __name__ == "__main__":
    unittest.main()
