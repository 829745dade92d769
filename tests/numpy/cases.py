"""What the scripts of this folder share: cases, their data, and convolutions in plain NumPy."""
import itertools
import zlib

import numpy as np

RULES = {"clamp": "edge", "mirror": "symmetric", "reflect": "reflect", "wrap": "wrap"}


class Case:
    """A kernel's text, what it is given and what NumPy makes of it.

    exact: results must be equal. Their inputs are such that every step is exact in the kernel's types. Other results
    are compared within the bound that the test derives from the kernel.
    """

    def __init__(self, name, text, sizes, given, gives, exact=True, opened=()):
        self.name, self.text, self.sizes, self.opened = name, text.strip("\n"), sizes, opened
        self.given, self.gives, self.exact = given, gives, exact


def random_of(name):
    """Numbers for one case: the same whatever other cases there are."""
    return np.random.default_rng(zlib.crc32(name.encode()))


def whole(rng, shape, low=-3, high=3):
    return rng.integers(low, high + 1, shape).astype(np.float64)


def eighths(rng, shape, low=-16, high=16):
    """Multiples of 1/8: no f32 is needed to write them, and many sums of products are exact."""
    return rng.integers(low, high + 1, shape) / 8.0


def beyond(src, axes, before, after, rule=0.0):
    """`src` with rows around it on `axes`: by a rule of the language, or a number."""
    widths = [(before, after) if axis in axes else (0, 0) for axis in range(src.ndim)]
    if rule in RULES:
        return np.pad(src, widths, mode=RULES[rule])
    return np.pad(src, widths, mode="constant", constant_values=rule)


def conv(padded, wei, out, stride=1, dilation=1):
    """Channels last: padded[N, *space, IC], wei[*taps, IC, OC] -> [N, *out, OC]; no padding here."""
    rank = wei.ndim - 2
    result = np.zeros((padded.shape[0], *out, wei.shape[-1]))
    for tap in itertools.product(*(range(k) for k in wei.shape[:rank])):
        window = tuple(slice(t * dilation, t * dilation + (o - 1) * stride + 1, stride) for t, o in zip(tap, out))
        result += np.einsum("n...i,io->n...o", padded[(slice(None), *window)], wei[tap])
    return result


def grouped_conv(padded, wei, out, groups, stride=1):
    """wei[*taps, IC of a group, OC of all]: each group alone, then side by side."""
    ins, outs = np.split(padded, groups, axis=-1), np.split(wei, groups, axis=-1)
    return np.concatenate([conv(i, w, out, stride) for i, w in zip(ins, outs)], axis=-1)


def windows(padded, size, stride, out):
    """Of images [N, C, H, W]: [N, C, *out, size, size]."""
    return np.stack([np.stack([padded[:, :, y * stride:y * stride + size, x * stride:x * stride + size]
                               for x in range(out[1])], axis=2) for y in range(out[0])], axis=2)


def relu(x):
    return np.maximum(x, 0)
