"""Pools, pictures, rules outside, values of the types."""
import math

import numpy as np

from cases import Case, beyond, eighths, random_of, whole, windows

SIZES = {"N": 1, "C": 2, "IH": 6, "IW": 5, "k": 3, "s": 2, "p": 1}


def pool_text(elem, rule, value):
    return f"""
kernel pool(src: {elem}[N, C, IH, IW] outside {rule} on (IH, IW), k: int, s: int, p: int) -> dst: {elem}[N, C, OH, OW]
where OH = (IH + 2*p - k)/s + 1, OW = (IW + 2*p - k)/s + 1
{{
  dst[n, c, oh, ow] = {value}[kh in 0..k, kw in 0..k](src[n, c, oh*s + kh - p, ow*s + kw - p]);
}}"""


def pools():
    least, most, average = np.nanmin, np.nanmax, np.nanmean  # NaN marks what `skip` leaves out.
    for elem, rule, value, reduced in (
            ("f32", "-inf", "max", most), ("f32", "skip", "max", most), ("f32", "skip", "min", least),
            ("u8", "skip", "max", most), ("i8", "skip", "min", least), ("f16", "skip", "max", most),
            ("f32", "0", "max", most), ("f32", "0", "mean", average), ("f32", "skip", "mean", average)):
        name = f"{value} pool of {elem}, {rule} outside"
        rng = random_of(name)
        src = whole(rng, (1, 2, 6, 5), 0, 255) if elem == "u8" else whole(rng, (1, 2, 6, 5), -100, -1)
        outside = np.nan if rule == "skip" else float(rule)
        dst = reduced(windows(beyond(src, (2, 3), 1, 1, outside), 3, 2, (3, 3)), axis=(4, 5))
        yield Case(name, pool_text(elem, rule, value), SIZES, {"src": src}, {"dst": dst}, exact=value != "mean")
    src = eighths(random_of("views"), (2, 3, 6, 6))
    tiles = windows(src, 2, 2, (3, 3))
    yield Case("pools of one input, by views", """
kernel pools(src: f32[N, C, IH, IW] outside skip on (IH, IW), k: int = 2, s: int = k, p: int = 0)
    -> most: f32[N, C, OH, OW], average: f32[N, C, OH, OW], counted: f32[N, C, OH, OW]
where OH = (IH + 2*p - k)/s + 1, OW = (IW + 2*p - k)/s + 1
{
  let lo outside -inf on (IH, IW) = src;
  let padded outside 0 on (IH, IW) = src;
  most[n, c, oh, ow] = max[kh in 0..k, kw in 0..k](lo[n, c, oh*s + kh - p, ow*s + kw - p]);
  average[n, c, oh, ow] = mean[kh in 0..k, kw in 0..k](src[n, c, oh*s + kh - p, ow*s + kw - p]);
  counted[n, c, oh, ow] = mean[kh in 0..k, kw in 0..k](padded[n, c, oh*s + kh - p, ow*s + kw - p]);
}""", {"N": 2, "C": 3, "IH": 6, "IW": 6}, {"src": src},
               {"most": tiles.max(axis=(4, 5)), "average": tiles.mean(axis=(4, 5)), "counted": tiles.mean(axis=(4, 5))},
               exact=False)


def blurred(src, rule):
    """5 x 5 binomial, on [H, W, ...]."""
    taps, wide = np.array([1, 4, 6, 4, 1]) / 16, beyond(src, (0, 1), 2, 2, rule)
    height, width = src.shape[:2]
    return sum(taps[i] * taps[j] * wide[i:i + height, j:j + width] for i in range(5) for j in range(5))


def pictures():
    src = whole(random_of("unsharp"), (6, 7, 3), 0, 255)
    yield Case("unsharp masking of bytes", """
kernel unsharp(src: u8[H, W, C] outside clamp on (H, W), amount: f32) -> dst: u8[H, W, C]
{
  const k: f32[5] = [1/16, 4/16, 6/16, 4/16, 1/16];
  let bx[y in .., x, c] = sum[i](k[i] * f32(src[y, x+i-2, c]));
  let by[y, x, c] = sum[i](k[i] * bx[y+i-2, x, c]);
  let s[y, x, c] = f32(src[y, x, c]);
  dst[y, x, c] = u8(round(s[y, x, c] + amount*(s[y, x, c] - by[y, x, c])));
}""", {"H": 6, "W": 7, "C": 3}, {"src": src, "amount": 1.5},
               {"dst": np.clip(np.round(src + 1.5 * (src - blurred(src, "clamp"))), 0, 255)})
    src = whole(random_of("blur"), (6, 7), 0, 255)
    yield Case("blur of bytes in whole numbers", """
const k: i32[5] = [1, 4, 6, 4, 1];
kernel blur(src: u8[H, W] outside mirror) -> dst: u8[H, W]
{
  let rows[y in .., x] = sum[i](k[i] * src[y, x + i - 2]);
  let both[y, x] = sum[i](k[i] * rows[y + i - 2, x]);
  dst[y, x] = u8((both[y, x] + 128)/256);
}""", {"H": 6, "W": 7}, {"src": src}, {"dst": np.floor(blurred(src, "mirror") + 0.5)})
    src = whole(random_of("sobel"), (6, 7), 0, 90)
    wide = beyond(src, (0, 1), 1, 1, "reflect")
    smooth = wide[:-2] + 2 * wide[1:-1] + wide[2:]
    gx = smooth[:, 2:] - smooth[:, :-2]
    across = wide[:, :-2] + 2 * wide[:, 1:-1] + wide[:, 2:]
    gy = across[2:] - across[:-2]
    yield Case("sobel", """
const KX: i32[3, 3] = [[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]];
const KY: i32[3, 3] = [[-1, -2, -1], [0, 0, 0], [1, 2, 1]];
fn magnitude(gx: i32, gy: i32) -> f32 = sqrt(f32(gx*gx + gy*gy));
kernel sobel(src: u8[H, W] outside reflect) -> dst: u8[H, W]
{
  let gx[y, x] = sum[i, j](KX[i, j] * src[y+i-1, x+j-1]);
  let gy[y, x] = sum[i, j](KY[i, j] * src[y+i-1, x+j-1]);
  dst[y, x] = u8(round(magnitude(gx[y, x], gy[y, x])));
}""", {"H": 6, "W": 7}, {"src": src}, {"dst": np.clip(np.round(np.hypot(gx, gy)), 0, 255)})
    src = eighths(random_of("bilateral"), (5, 6), 0, 32)
    wide, above, below = beyond(src, (0, 1), 2, 2, "mirror"), np.zeros((5, 6)), np.zeros((5, 6))
    for dy in range(-2, 3):
        for dx in range(-2, 3):
            moved = wide[2 + dy:7 + dy, 2 + dx:8 + dx]
            weight = np.exp(-(dy * dy + dx * dx) * 0.125 - (moved - src) ** 2 * 0.25)
            above, below = above + weight * moved, below + weight
    yield Case("bilateral", """
kernel bilateral(src: f32[H, W] outside mirror, ss: f32, sr: f32, r: int = 1) -> dst: f32[H, W]
{
  let w[y, x, dy in -r..=r, dx in -r..=r] =
      exp(-(f32(dy)*f32(dy) + f32(dx)*f32(dx))*ss - (src[y+dy, x+dx] - src[y, x])*(src[y+dy, x+dx] - src[y, x])*sr);
  dst[y, x] = sum[dy in -r..=r, dx in -r..=r](w[y, x, dy, dx] * src[y+dy, x+dx]) /
              sum[dy in -r..=r, dx in -r..=r](w[y, x, dy, dx]);
}""", {"H": 5, "W": 6, "r": 2}, {"src": src, "ss": 0.125, "sr": 0.25}, {"dst": above / below}, exact=False)


def rules():
    x = whole(random_of("rules"), 4, -9, 9)
    places = {name: beyond(x, (0,), 11, 9, name) for name in ("clamp", "mirror", "reflect", "wrap")}
    yield Case("rules outside, at any distance", """
kernel rules(x: f32[N]) -> c: f32[24], w: f32[24], m: f32[24], r: f32[24], v: f32[24] {
  let xc outside clamp = x;
  let xw outside wrap = x;
  let xm outside mirror = x;
  let xr outside reflect = x;
  let xv outside -7 = x;
  c[i] = xc[i - 11];
  w[i] = xw[i - 11];
  m[i] = xm[i - 11];
  r[i] = xr[i - 11];
  v[i] = xv[i - 11];
}""", {"N": 4}, {"x": x}, {"c": places["clamp"], "w": places["wrap"], "m": places["mirror"], "r": places["reflect"],
                               "v": beyond(x, (0,), 11, 9, -7)})


def as_bf16(x):
    bits = np.asarray(x, np.float32).view(np.uint32)
    return ((bits + 0x7FFF + ((bits >> 16) & 1)) & 0xFFFF0000).astype(np.uint32).view(np.float32).astype(np.float64)


def types():
    edges = [2.5, 3.5, -2.5, 0.5, 255.5, 128.5, 65519, 65520]
    x = np.concatenate([eighths(random_of("casts"), 20, -4000, 4000), edges])
    with np.errstate(over="ignore"):
        halves = x.astype(np.float16)
    yield Case("casts of f32: rounding, saturation, overflow", """
kernel casts(x: f32[N]) -> h: f16[N], b: bf16[N], s: i8[N], u: u8[N], i: i32[N], d: i32[N]
{
  h[n] = f16(x[n]);
  b[n] = bf16(x[n]);
  s[n] = i8(round(x[n]));
  u[n] = u8(round(x[n]));
  i[n] = i32(trunc(x[n]));
  d[n] = i32(floor(x[n])) + i32(ceil(x[n]));
}""", {"N": len(x)}, {"x": x}, {"h": halves, "b": as_bf16(x), "s": np.clip(np.round(x), -128, 127),
                                "u": np.clip(np.round(x), 0, 255), "i": np.trunc(x), "d": np.floor(x) + np.ceil(x)})
    x = whole(random_of("division"), 24, -100, 100).astype(np.int64)
    yield Case("whole numbers: division rounds down, casts saturate", """
kernel whole(x: i32[N]) -> q: i32[N], r: i32[N], s: i8[N], u: u8[N]
{
  q[n] = x[n] / 7;
  r[n] = x[n] % 7;
  s[n] = i8(3*x[n]);
  u[n] = u8(3*x[n]);
}""", {"N": 24}, {"x": x}, {"q": x // 7, "r": x % 7, "s": np.clip(3 * x, -128, 127), "u": np.clip(3 * x, 0, 255)})
    x = eighths(random_of("functions"), 24, -30, 30)
    y = np.abs(x) + 1 / 8
    yield Case("element functions", """
kernel functions(x: f32[N], y: f32[N]) -> e: f32[N], l: f32[N], q: f32[N], r: f32[N], t: f32[N], s: f32[N], f: f32[N]
{
  e[n] = exp(x[n]);
  l[n] = log(y[n]);
  q[n] = sqrt(y[n]);
  r[n] = rsqrt(y[n]);
  t[n] = tanh(x[n]);
  s[n] = sigmoid(x[n]);
  f[n] = erf(x[n]);
}""", {"N": 24}, {"x": x, "y": y},
               {"e": np.exp(x), "l": np.log(y), "q": np.sqrt(y), "r": 1 / np.sqrt(y), "t": np.tanh(x),
                "s": 1 / (1 + np.exp(-x)), "f": np.array([math.erf(v) for v in x])}, exact=False)
    x = whole(random_of("reductions"), (4, 9), -2, 2)
    kept = np.where(x > 0, x, 0)
    yield Case("reductions, filters, choices", """
kernel reductions(x: f32[N, K]) -> p: f32[N], s: f32[N], c: f32[N], none: f32[N], z: f32[N, K]
{
  p[n] = prod[k](x[n, k] + 3);
  s[n] = sum[k where x[n, k] > 0](x[n, k]);
  c[n] = max[k](x[n, k]) - min[k](x[n, k]);
  none[n] = sum[k where x[n, k] > 99](x[n, k]) + prod[k where x[n, k] > 99](x[n, k]);
  z[n, k] = select(x[n, k] < 0 && !(x[n, k] == -2), abs(x[n, k]) * 10, clamp(x[n, k], -1, 1));
}""", {"N": 4, "K": 9}, {"x": x}, {"p": np.prod(x + 3, axis=1), "s": kept.sum(axis=1), "c": np.ptp(x, axis=1),
                                  "none": np.ones(4), "z": np.where(x == -1, 10.0, np.clip(x, -1, 1))})
    x = whole(random_of("nan"), (4, 6))
    x[0, 2], x[1, 0], x[1, 5], x[3, 3] = np.nan, np.nan, np.nan, -np.inf
    yield Case("NaN: kept by max of two, ignored by max of many", """
kernel nan(x: f32[N, K]) -> y: f32[N, K], m: f32[N], l: f32[N]
{
  y[n, k] = max(x[n, k], 0);
  m[n] = max[k](x[n, k]);
  l[n] = min[k](x[n, k]);
}""", {"N": 4, "K": 6}, {"x": x}, {"y": np.maximum(x, 0), "m": np.nanmax(x, axis=1), "l": np.nanmin(x, axis=1)})


def cases():
    for some in (pools, pictures, rules, types):
        yield from some()
