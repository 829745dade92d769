#!/usr/bin/env python3
"""sparkle-peer-torch: PyTorch's CPU operators, for `sparklec bench --peer torch`.

Speaks the protocol of docs/benchmarks.md on standard input and output. PyTorch is looked for when the first case is
prepared; without it every case is refused.
"""
import json
import re
import sys
import time

AXES = "dhw"
MASK32 = (1 << 32) - 1


class Refused(Exception):
    """What the peer cannot do, with the reason."""


class Shape:
    """A line of a list of shapes with every field written out."""

    def __init__(self, text):
        fields = dict((key, int(value)) for key, value in re.findall(r"([a-z]+)(-?\d+)", text.split('n"')[0]))
        self.axes = [axis for axis in AXES if "i" + axis in fields]
        if not self.axes:
            raise Refused("`%s` is no shape" % text)
        self.groups, self.batch = fields.get("g", 1), fields.get("mb", 1)
        self.ic, self.oc = fields["ic"], fields["oc"]
        each = lambda letter, other: [fields.get(letter + axis, other) for axis in self.axes]
        self.inputs, self.outputs, self.kernel = each("i", 1), each("o", 1), each("k", 1)
        self.stride, self.pad = each("s", 1), each("p", 0)
        self.dilation = [further + 1 for further in each("d", 0)]

    def padding_behind(self):
        return [(o - 1) * s + (k - 1) * d + 1 - i - p for i, o, k, s, p, d in
                zip(self.inputs, self.outputs, self.kernel, self.stride, self.pad, self.dilation)]

    def is_symmetric(self):
        """The same padding behind as before gives as many outputs."""
        return all(p >= 0 and (i + 2 * p - (k - 1) * d - 1) // s + 1 == o for i, o, k, s, p, d in
                   zip(self.inputs, self.outputs, self.kernel, self.stride, self.pad, self.dilation))


def integers(torch, fill, count):
    """`fill_integers` of runtime/fill.h: SplitMix64 by position, in 64 bits that wrap."""
    signed = lambda bits: bits - (1 << 64) if bits >> 63 else bits
    shifted = lambda z, by: (z >> by) & ((1 << (64 - by)) - 1)

    def mixed(z):
        z = (z ^ shifted(z, 30)) * signed(0xBF58476D1CE4E5B9)
        z = (z ^ shifted(z, 27)) * signed(0x94D049BB133111EB)
        return z ^ shifted(z, 31)

    seed = (fill["seed"] + 0x9E3779B97F4A7C15) & ((1 << 64) - 1)
    seed = ((seed ^ (seed >> 30)) * 0xBF58476D1CE4E5B9) & ((1 << 64) - 1)
    numbers = torch.arange(1, count + 1, dtype=torch.int64)
    bits = mixed((numbers * signed(0x9E3779B97F4A7C15)) ^ signed(seed))
    size = fill["high"] - fill["low"] + 1
    high, low = shifted(bits, 32), bits & MASK32
    return ((high * size + ((low * size) >> 32)) >> 32) + fill["low"]


class TorchPeer:
    """One case: operands and the call that is timed."""

    def __init__(self, torch, request):
        self.torch, self.shape = torch, Shape(request["shape"])
        self.is_last = request["layout"] == "nhwc"
        if request["element"] != "f32":
            raise Refused("this peer runs f32 alone")
        torch.set_num_threads(request["threads"])
        self.ours = not self.is_last and request["peer_layout"] == "plain"
        self.source = self.image(request["fill"]["src"])
        self.call = self.convolution(request) if request["op"] == "conv" else self.pooling(request["op"])
        self.result = None

    def tensor(self, fill, extents):
        count = 1
        for extent in extents:
            count *= extent
        return integers(self.torch, fill, count).to(self.torch.float32).reshape(extents)

    def arranged(self, tensor):
        """In the memory format of the images: channels last where there is such a format."""
        formats = {4: self.torch.channels_last, 5: self.torch.channels_last_3d}
        if self.ours or tensor.dim() not in formats:
            return tensor.contiguous()
        return tensor.contiguous(memory_format=formats[tensor.dim()])

    def image(self, fill):
        shape, rank = self.shape, len(self.shape.axes)
        if not self.is_last:
            return self.arranged(self.tensor(fill, [shape.batch, shape.ic] + shape.inputs))
        tensor = self.tensor(fill, [shape.batch] + shape.inputs + [shape.ic])
        return self.arranged(tensor.permute(0, rank + 1, *range(1, rank + 1)))

    def weights(self, fill):
        """Ours are [taps, group, in, out]."""
        shape, rank = self.shape, len(self.shape.axes)
        inside, outside = shape.ic // shape.groups, shape.oc // shape.groups
        tensor = self.tensor(fill, shape.kernel + [shape.groups, inside, outside])
        tensor = tensor.permute(rank, rank + 2, rank + 1, *range(rank))
        return self.arranged(tensor.reshape([shape.oc, inside] + shape.kernel))

    def padding(self):
        """What the operator pads by itself, and the function that pads the rest."""
        shape = self.shape
        if shape.is_symmetric():
            return shape.pad, lambda image: image
        sides = [side for pair in reversed(list(zip(shape.pad, shape.padding_behind()))) for side in pair]
        return [0] * len(shape.axes), lambda image: self.torch.nn.functional.pad(image, sides)

    def convolution(self, request):
        functional, shape = self.torch.nn.functional, self.shape
        operator = [functional.conv1d, functional.conv2d, functional.conv3d][len(shape.axes) - 1]
        weights, bias = self.weights(request["fill"]["wei"]), self.tensor(request["fill"]["bias"], [shape.oc])
        inside, padded = self.padding()
        return lambda: operator(padded(self.source), weights, bias, shape.stride, inside, shape.dilation,
                                shape.groups).relu_()

    def pooling(self, op):
        functional, shape, rank = self.torch.nn.functional, self.shape, len(self.shape.axes)
        if not shape.is_symmetric() or any(2 * p > k for p, k in zip(shape.pad, shape.kernel)):
            raise Refused("pooling of PyTorch pads both sides alike, by half a window at most")
        if op == "maxpool":
            operator = [functional.max_pool1d, functional.max_pool2d, functional.max_pool3d][rank - 1]
            return lambda: operator(self.source, shape.kernel, shape.stride, shape.pad, shape.dilation)
        if any(d != 1 for d in shape.dilation):
            raise Refused("PyTorch has no mean of windows with gaps")
        operator = [functional.avg_pool1d, functional.avg_pool2d, functional.avg_pool3d][rank - 1]
        return lambda: operator(self.source, shape.kernel, shape.stride, shape.pad, False, False)

    def code(self):
        kind = "the layout of the case" if self.ours or self.source.dim() == 3 else "channels_last"
        return "PyTorch %s (%s), %s" % (self.torch.__version__, self.torch.backends.cpu.get_cpu_capability(), kind)

    def run(self):
        with self.torch.inference_mode():
            self.result = self.call()

    def values(self, places):
        rank = len(self.shape.axes)
        plain = self.result.permute(0, *range(2, rank + 2), 1) if self.is_last else self.result
        flat = plain.reshape(-1)
        if any(place < 0 or place >= flat.numel() for place in places):
            raise Refused("there is no such value")
        return [float(flat[place]) for place in places]


def prepare_with_torch(request):
    try:
        import torch
    except ImportError:
        raise Refused("PyTorch is not installed for %s: `pip install torch`" % sys.executable) from None
    return TorchPeer(torch, request)


class Server:
    """The protocol. `prepare` makes a peer of a request: an object with code(), run() and values(places)."""

    def __init__(self, prepare):
        self.prepare, self.peer, self.clock, self.has_run = prepare, None, time.thread_time, False

    def answer(self, line):
        try:
            request = json.loads(line)
            return {"prepare": self.prepared, "run": self.timed, "values": self.told}[request["do"]](request)
        except Refused as reason:
            return {"error": str(reason)}
        except (KeyError, TypeError, ValueError) as mistake:
            return {"error": "no such request: %s" % mistake}
        except RuntimeError as failure:  # Of PyTorch.
            return {"error": str(failure)}

    def prepared(self, request):
        self.peer, self.has_run = None, False
        self.clock = time.thread_time if request["threads"] == 1 else time.perf_counter
        self.peer = self.prepare(request)
        return {"code": self.peer.code()}

    def timed(self, request):
        if self.peer is None or request["times"] < 1:
            raise Refused("nothing was prepared" if self.peer is None else "so often it does not run")
        wall, seconds = time.perf_counter(), self.clock()
        for _ in range(request["times"]):
            self.peer.run()
        self.has_run = True
        return {"seconds": self.clock() - seconds, "wall": time.perf_counter() - wall}

    def told(self, request):
        if not self.has_run:
            raise Refused("nothing was run")
        return {"values": self.peer.values(request["at"])}


def main():
    server = Server(prepare_with_torch)
    for line in sys.stdin:
        print(json.dumps(server.answer(line)), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
