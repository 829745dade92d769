"""Convolutions of every kind."""
import numpy as np

from cases import Case, beyond, conv, eighths, grouped_conv, random_of, relu, whole

CONV2D = """
kernel conv2d(src: f32[N, IH, IW, IC] outside RULE on (IH, IW), const wei: f32[KH, KW, IC, OC], const bias: f32[OC],
              s: int = 1, p: int = 0, d: int = 1) -> dst: f32[N, OH, OW, OC]
where OH = (IH + 2*p - d*(KH-1) - 1)/s + 1, OW = (IW + 2*p - d*(KW-1) - 1)/s + 1
{
  let acc[n, oh, ow, oc] = sum[kh, kw, ic](src[n, oh*s + kh*d - p, ow*s + kw*d - p, ic] * wei[kh, kw, ic, oc]);
  dst[n, oh, ow, oc] = max(acc[n, oh, ow, oc] + bias[oc], 0);
}
"""


def conv2d(name, rule, number, n, size, ic, taps, oc, s=1, p=0, d=1):
    rng = random_of(name)
    src, wei, bias = whole(rng, (n, *size, ic)), whole(rng, (*taps, ic, oc)), whole(rng, oc)
    out = [(i + 2 * p - d * (k - 1) - 1) // s + 1 for i, k in zip(size, taps)]
    dst = relu(conv(beyond(src, (1, 2), p, p, number), wei, out, s, d) + bias)
    sizes = {"N": n, "IH": size[0], "IW": size[1], "IC": ic, "KH": taps[0], "KW": taps[1], "OC": oc}
    sizes.update({"s": s, "p": p, "d": d})
    return Case(name, CONV2D.replace("RULE", rule), sizes, {"src": src, "wei": wei, "bias": bias}, {"dst": dst})


def plain():
    yield conv2d("conv2d, zero outside", "0", 0, 1, (6, 5), 3, (3, 3), 4, p=1)
    yield conv2d("conv2d, skip, stride 2, dilation 2", "skip", 0, 2, (9, 8), 2, (3, 2), 3, s=2, p=2, d=2)
    yield conv2d("conv2d, 1 x 1, every second pixel", "0", 0, 1, (7, 6), 5, (1, 1), 6, s=2)
    yield conv2d("conv2d, a number outside", "-2", -2, 1, (4, 5), 2, (3, 3), 3, p=2)
    yield conv2d("conv2d, a window larger than the image", "0", 0, 1, (2, 3), 2, (4, 5), 3, p=1)
    for rule in ("clamp", "mirror", "reflect", "wrap"):
        yield conv2d(f"conv2d, {rule} outside", rule, rule, 1, (3, 4), 2, (3, 4), 2, p=2)


def other_layouts():
    rng = random_of("nchw")
    src, wei, bias = whole(rng, (2, 3, 6, 7)), whole(rng, (4, 3, 3, 3)), whole(rng, 4)
    dst = conv(beyond(src.transpose(0, 2, 3, 1), (1, 2), 1, 1), wei.transpose(2, 3, 1, 0), (3, 4), 2) + bias
    yield Case("conv2d, NCHW, stride 2", """
kernel conv2d(src: f32[N, IC, IH, IW] outside skip on (IH, IW), const wei: f32[OC, IC, KH, KW], const bias: f32[OC],
              s: int = 1, p: int = 0) -> dst: f32[N, OC, OH, OW]
where OH = (IH + 2*p - KH)/s + 1, OW = (IW + 2*p - KW)/s + 1
{
  let acc[n, oc, oh, ow] = sum[ic, kh, kw](src[n, ic, oh*s + kh - p, ow*s + kw - p] * wei[oc, ic, kh, kw]);
  dst[n, oc, oh, ow] = max(acc[n, oc, oh, ow] + bias[oc], 0);
}""", {"N": 2, "IC": 3, "IH": 6, "IW": 7, "OC": 4, "KH": 3, "KW": 3, "s": 2, "p": 1},
               {"src": src, "wei": wei, "bias": bias}, {"dst": relu(dst).transpose(0, 3, 1, 2)})
    rng = random_of("ncw")
    src, wei = whole(rng, (2, 3, 11)), whole(rng, (5, 3, 3))
    dst = conv(beyond(src.transpose(0, 2, 1), (1,), 1, 1), wei.transpose(2, 1, 0), (6,), 2).transpose(0, 2, 1)
    yield Case("conv1d, NCW, stride 2", """
kernel conv1d(src: f32[N, IC, IW] outside skip on (IW), const wei: f32[OC, IC, KW], s: int = 1, p: int = 0)
    -> dst: f32[N, OC, OW]
where OW = (IW + 2*p - KW)/s + 1
{
  dst[n, oc, ow] = sum[ic, kw](src[n, ic, ow*s + kw - p] * wei[oc, ic, kw]);
}""", {"N": 2, "IC": 3, "IW": 11, "OC": 5, "KW": 3, "s": 2, "p": 1}, {"src": src, "wei": wei}, {"dst": dst})
    rng = random_of("causal")
    src, wei = whole(rng, (2, 10, 3)), whole(rng, (3, 3, 4))
    dst = conv(np.pad(src, ((0, 0), (4, 0), (0, 0))), wei, (10,), 1, 2)
    yield Case("causal, dilation 2", """
kernel causal(src: f32[N, T, IC] outside 0 on (T), const wei: f32[K, IC, OC], d: int = 1) -> dst: f32[N, T, OC]
{
  dst[n, t, oc] = sum[k, ic](src[n, t - (K-1-k)*d, ic] * wei[k, ic, oc]);
}""", {"N": 2, "T": 10, "IC": 3, "K": 3, "OC": 4, "d": 2}, {"src": src, "wei": wei}, {"dst": dst})


def three_dimensions():
    rng = random_of("ndhwc")
    src, wei, bias = whole(rng, (1, 4, 5, 3, 2)), whole(rng, (3, 3, 2, 2, 3)), whole(rng, 3)
    dst = conv(beyond(src, (1, 2, 3), 1, 1), wei, (4, 5, 4)) + bias
    yield Case("conv3d, NDHWC", """
kernel conv3d(src: f32[N, ID, IH, IW, IC] outside 0 on (ID, IH, IW), const wei: f32[KD, KH, KW, IC, OC],
              const bias: f32[OC], p: int = 0) -> dst: f32[N, OD, OH, OW, OC]
where OD = ID + 2*p - KD + 1, OH = IH + 2*p - KH + 1, OW = IW + 2*p - KW + 1
{
  let acc[n, od, oh, ow, oc] =
      sum[kd, kh, kw, ic](src[n, od + kd - p, oh + kh - p, ow + kw - p, ic] * wei[kd, kh, kw, ic, oc]);
  dst[n, od, oh, ow, oc] = max(acc[n, od, oh, ow, oc] + bias[oc], 0);
}""", {"N": 1, "ID": 4, "IH": 5, "IW": 3, "IC": 2, "KD": 3, "KH": 3, "KW": 2, "OC": 3, "p": 1},
               {"src": src, "wei": wei, "bias": bias}, {"dst": relu(dst)})
    rng = random_of("ncdhw")
    src, wei = whole(rng, (2, 2, 5, 4, 5)), whole(rng, (3, 2, 3, 2, 3))
    moved = conv(beyond(src.transpose(0, 2, 3, 4, 1), (1, 2, 3), 1, 1), wei.transpose(2, 3, 4, 1, 0), (3, 3, 3), 2)
    yield Case("conv3d, NCDHW, stride 2", """
kernel conv3d(src: f32[N, IC, ID, IH, IW] outside skip on (ID, IH, IW), const wei: f32[OC, IC, KD, KH, KW],
              s: int = 1, p: int = 0) -> dst: f32[N, OC, OD, OH, OW]
where OD = (ID + 2*p - KD)/s + 1, OH = (IH + 2*p - KH)/s + 1, OW = (IW + 2*p - KW)/s + 1
{
  dst[n, oc, od, oh, ow] = sum[ic, kd, kh, kw](
      src[n, ic, od*s + kd - p, oh*s + kh - p, ow*s + kw - p] * wei[oc, ic, kd, kh, kw]);
}""", {"N": 2, "IC": 2, "ID": 5, "IH": 4, "IW": 5, "OC": 3, "KD": 3, "KH": 2, "KW": 3, "s": 2, "p": 1},
               {"src": src, "wei": wei}, {"dst": moved.transpose(0, 4, 1, 2, 3)})


def groups():
    rng = random_of("depthwise")
    src, wei = whole(rng, (1, 6, 5, 4)), whole(rng, (3, 3, 4, 2))
    # Each input channel is a group of its own with two filters.
    flat = wei.reshape(3, 3, 1, 8)
    dst = grouped_conv(beyond(src, (1, 2), 1, 1), flat, (6, 5), 4)
    yield Case("depthwise, two filters for each channel", """
kernel depthwise(src: f32[N, IH, IW, IC] outside 0 on (IH, IW), const wei: f32[KH, KW, IC, M], p: int = 0)
    -> dst: f32[N, OH, OW, OC]
where OH = IH + 2*p - KH + 1, OW = IW + 2*p - KW + 1, OC = IC*M
{
  dst[n, oh, ow, oc] = sum[kh, kw](src[n, oh+kh-p, ow+kw-p, oc/M] * wei[kh, kw, oc/M, oc%M]);
}""", {"N": 1, "IH": 6, "IW": 5, "IC": 4, "KH": 3, "KW": 3, "M": 2, "p": 1}, {"src": src, "wei": wei}, {"dst": dst})
    rng = random_of("grouped")
    src, wei = whole(rng, (1, 8, 4, 5)), whole(rng, (12, 2, 3, 3))
    dst = grouped_conv(beyond(src.transpose(0, 2, 3, 1), (1, 2), 1, 1), wei.transpose(2, 3, 1, 0), (4, 5), 4)
    yield Case("grouped, channels in one dimension", """
kernel grouped(src: f32[N, IC, IH, IW] outside 0 on (IH, IW), const wei: f32[OC, ICG, KH, KW], g: int, p: int = 0)
    -> dst: f32[N, OC, OH, OW]
where OH = IH + 2*p - KH + 1, OW = IW + 2*p - KW + 1, IC == g*ICG, OC % g == 0
{
  dst[n, oc, oh, ow] = sum[ic, kh, kw](src[n, oc/(OC/g)*ICG + ic, oh+kh-p, ow+kw-p] * wei[oc, ic, kh, kw]);
}""", {"N": 1, "IC": 8, "IH": 4, "IW": 5, "OC": 12, "ICG": 2, "KH": 3, "KW": 3, "g": 4, "p": 1},
               {"src": src, "wei": wei}, {"dst": dst.transpose(0, 3, 1, 2)})
    rng = random_of("groups")
    src, wei = whole(rng, (1, 5, 4, 3, 2)), whole(rng, (3, 2, 3, 2, 4))
    dst = np.stack([conv(beyond(src[:, :, :, g], (1, 2), 1, 1), wei[:, :, g], (3, 3), 2) for g in range(3)], axis=3)
    yield Case("grouped, with a dimension of groups, stride 2", """
kernel grouped(src: f32[N, IH, IW, G, IC] outside skip on (IH, IW), const wei: f32[KH, KW, G, IC, OC], s: int, p: int)
    -> dst: f32[N, OH, OW, G, OC]
where OH = (IH + 2*p - KH)/s + 1, OW = (IW + 2*p - KW)/s + 1
{
  dst[n, oh, ow, g, oc] = sum[kh, kw, ic](src[n, oh*s + kh - p, ow*s + kw - p, g, ic] * wei[kh, kw, g, ic, oc]);
}""", {"N": 1, "IH": 5, "IW": 4, "G": 3, "IC": 2, "KH": 3, "KW": 2, "OC": 4, "s": 2, "p": 1},
               {"src": src, "wei": wei}, {"dst": dst})


TRANSPOSED = """
kernel transposed(src: f32[N, IH, IW, IC] outside skip on (IH, IW), const wei: f32[KH, KW, IC, OC], s: int, p: int = 0)
    -> dst: f32[N, OH, OW, OC]
where OH = (IH-1)*s - 2*p + KH, OW = (IW-1)*s - 2*p + KW
{
  dst[n, oh, ow, oc] = sum[kh, kw, ic where (oh+p-kh) % s == 0 && (ow+p-kw) % s == 0](
      src[n, (oh+p-kh)/s, (ow+p-kw)/s, ic] * wei[kh, kw, ic, oc]);
}
"""


def transposed():
    for name, taps, s, p in (("transposed, stride 2", 3, 2, 1), ("transposed, stride 3, gaps", 2, 3, 0)):
        rng = random_of(name)
        src, wei = whole(rng, (1, 4, 3, 2)), whole(rng, (taps, taps, 2, 3))
        full = np.zeros((1, 3 * s + taps, 2 * s + taps, 3))  # By scattering: no subscript in common with the text.
        for y, x, kh, kw in np.ndindex(4, 3, taps, taps):
            full[:, y * s + kh, x * s + kw] += src[:, y, x] @ wei[kh, kw]
        dst = full[:, p:full.shape[1] - p, p:full.shape[2] - p]
        sizes = {"N": 1, "IH": 4, "IW": 3, "IC": 2, "KH": taps, "KW": taps, "OC": 3, "s": s, "p": p}
        yield Case(name, TRANSPOSED, sizes, {"src": src, "wei": wei}, {"dst": dst})


CONV_CONV = """
kernel conv_conv(src: f32[N, H, W, C] outside 0 on (H, W), const w1: f32[KH, KW, C, D], const w2: f32[KH, KW, D, E])
    -> dst: f32[N, H, W, E]
{
  let mid[n, RANGE, d]RULE = max(sum[kh, kw, c](src[n, h+kh-1, w+kw-1, c] * w1[kh, kw, c, d]), 0);
  dst[n, h, w, e] = sum[kh, kw, d](mid[n, h+kh-1, w+kw-1, d] * w2[kh, kw, d, e]);
}
"""


def stacked():
    for name, ranges, rule, further in (
            ("conv, conv: zero beyond the first", "h in 0..H, w in 0..W", " outside 0 on (h, w)", 0),
            ("conv, conv: computed further", "h in .., w in ..", "", 1)):
        rng = random_of(name)
        src, w1, w2 = whole(rng, (1, 5, 4, 2)), whole(rng, (3, 3, 2, 3)), whole(rng, (3, 3, 3, 2))
        mid = relu(conv(beyond(src, (1, 2), 1 + further, 1 + further), w1, (5 + 2 * further, 4 + 2 * further)))
        dst = conv(mid if further else beyond(mid, (1, 2), 1, 1), w2, (5, 4))
        yield Case(name, CONV_CONV.replace("RANGE", ranges).replace("RULE", rule),
                   {"N": 1, "H": 5, "W": 4, "C": 2, "KH": 3, "KW": 3, "D": 3, "E": 2},
                   {"src": src, "w1": w1, "w2": w2}, {"dst": dst})
    rng = random_of("call")
    src, w1, w2 = whole(rng, (1, 4, 4, 2)), whole(rng, (3, 3, 2, 3)), whole(rng, (3, 3, 3, 2))
    mid = relu(conv(beyond(src, (1, 2), 1, 1), w1, (4, 4)))
    yield Case("conv, conv: by calls", """
kernel conv3x3(src: f32[N, H, W, IC] outside 0 on (H, W), const wei: f32[3, 3, IC, OC]) -> dst: f32[N, H, W, OC]
{
  dst[n, h, w, oc] = max(sum[kh, kw, ic](src[n, h + kh - 1, w + kw - 1, ic] * wei[kh, kw, ic, oc]), 0);
}
kernel twice(src: f32[N, H, W, IC] outside 0 on (H, W), const w1: f32[3, 3, IC, D], const w2: f32[3, 3, D, OC])
    -> dst: f32[N, H, W, OC]
{
  let mid outside 0 on (H, W) = conv3x3(src, w1);
  let last = conv3x3(mid, w2);
  dst[n, h, w, oc] = last[n, h, w, oc];
}""", {"N": 1, "H": 4, "W": 4, "IC": 2, "D": 3, "OC": 2, "kernel": "twice"},
               {"src": src, "w1": w1, "w2": w2}, {"dst": relu(conv(beyond(mid, (1, 2), 1, 1), w2, (4, 4)))})


def quantised():
    for rule, outside in (("zp", 3), ("skip", 3)):
        rng = random_of("int8 " + rule)
        src, wei = whole(rng, (1, 4, 5, 4), 0, 255), whole(rng, (3, 3, 4, 3), -128, 127)
        bias, scale = whole(rng, 3, -5000, 5000), np.array([1 / 256, 3 / 512, 1 / 128])
        acc = conv(beyond(src, (1, 2), 1, 1, outside) - 3, wei, (4, 5)) + bias
        dst = np.clip(np.round(acc * scale) + 100, 0, 255)
        yield Case(f"int8 conv, {rule} outside", f"""
kernel int8_conv(src: u8[N, IH, IW, IC] outside {rule} on (IH, IW), const wei: i8[KH, KW, IC, OC], const bias: i32[OC],
                 const scale: f32[OC], zp: u8, zpd: u8, p: int = 0) -> dst: u8[N, OH, OW, OC]
where OH = IH + 2*p - KH + 1, OW = IW + 2*p - KW + 1
{{
  let acc[n, oh, ow, oc] = sum[kh, kw, ic]((src[n, oh+kh-p, ow+kw-p, ic] - zp) * wei[kh, kw, ic, oc]) + bias[oc];
  dst[n, oh, ow, oc] = u8(round(f32(acc[n, oh, ow, oc]) * scale[oc]) + f32(zpd));
}}""", {"N": 1, "IH": 4, "IW": 5, "IC": 4, "KH": 3, "KW": 3, "OC": 3, "p": 1},
                   {"src": src, "wei": wei, "bias": bias, "scale": scale, "zp": 3, "zpd": 100}, {"dst": dst})


def folded():
    rng = random_of("residual")
    src, wei, res = eighths(rng, (1, 4, 4, 2)), eighths(rng, (3, 3, 2, 3)), eighths(rng, (1, 4, 4, 3))
    gamma, beta, mu, var = eighths(rng, 3, 4, 16), eighths(rng, 3), eighths(rng, 3), eighths(rng, 3, 2, 16)
    normal = (conv(beyond(src, (1, 2), 1, 1), wei, (4, 4)) - mu) / np.sqrt(var + 1 / 1024) * gamma + beta
    yield Case("residual block with batch normalisation", """
kernel residual(src: f32[N, H, W, IC] outside skip on (H, W), const wei: f32[KH, KW, IC, OC], const gamma: f32[OC],
                const beta: f32[OC], const mu: f32[OC], const var: f32[OC], res: f32[N, H, W, OC], const eps: f32)
    -> dst: f32[N, H, W, OC]
{
  let scale[oc] = gamma[oc] * rsqrt(var[oc] + eps);
  let shift[oc] = beta[oc] - mu[oc]*scale[oc];
  let acc[n, h, w, oc] = sum[kh, kw, ic](src[n, h+kh-1, w+kw-1, ic] * wei[kh, kw, ic, oc]);
  dst[n, h, w, oc] = max(acc[n, h, w, oc]*scale[oc] + shift[oc] + res[n, h, w, oc], 0);
}""", {"N": 1, "H": 4, "W": 4, "IC": 2, "KH": 3, "KW": 3, "OC": 3},
               {"src": src, "wei": wei, "gamma": gamma, "beta": beta, "mu": mu, "var": var, "res": res,
                "eps": 1 / 1024}, {"dst": relu(normal + res)}, exact=False)


def cases():
    for some in (plain, other_layouts, three_dimensions, groups, transposed, stacked, quantised, folded):
        yield from some()
