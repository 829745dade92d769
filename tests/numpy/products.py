"""Matrix products, convolutions as such, normalisations, attention."""
import numpy as np

from cases import Case, beyond, conv, eighths, random_of, whole


def gemms():
    rng = random_of("gemm")
    a, b, c = whole(rng, (5, 7)), whole(rng, (7, 6)), whole(rng, (5, 6))
    yield Case("gemm in place", """
kernel gemm(a: f32[M, K], b: f32[K, N], inout c: f32[M, N], alpha: f32)
{
  c[m, n] += alpha * sum[k](a[m, k] * b[k, n]);
}""", {"M": 5, "N": 6, "K": 7}, {"a": a, "b": b, "c": c, "alpha": 0.5}, {"c": c + 0.5 * (a @ b)})
    rng = random_of("gemm_batched")
    a, b, c = whole(rng, (3, 4, 5)), whole(rng, (3, 6, 5)), whole(rng, (3, 4, 6))
    text = """
kernel gemm(a: f32[B, M, K], b: f32[B, N, K], alpha: f32, beta: f32, inout c: f32[B, M, N])
{
  c[i, m, n] = alpha * sum[k](a[i, m, k] * b[i, n, k]) + beta * c[i, m, n];
}"""
    given = {"a": a, "b": b, "c": c, "alpha": 2, "beta": -3}
    gives = {"c": 2 * np.einsum("imk,ink->imn", a, b) - 3 * c}
    yield Case("gemm, batched, second transposed", text, {"B": 3, "M": 4, "N": 6, "K": 5}, given, gives)
    yield Case("gemm, batched, number of matrices open", text, {"B": 3, "M": 4, "N": 6, "K": 5}, given, gives,
               opened=("B",))
    rng = random_of("gemm_i8")
    a, b = whole(rng, (9, 5), -128, 127), whole(rng, (9, 6), -128, 127)
    yield Case("product of bytes, first transposed", """
kernel product(a: i8[K, M], b: i8[K, N]) -> c: i32[M, N] { c[m, n] = sum[k](a[k, m] * b[k, n]); }
""", {"M": 5, "N": 6, "K": 9}, {"a": a, "b": b}, {"c": a.T @ b})
    rng = random_of("half")
    a, b = eighths(rng, (5, 8)), eighths(rng, (8, 6))
    yield Case("product of halves, sums in f32 and in f16", """
kernel half(a: f16[M, K], b: bf16[K, N]) -> wide: f32[M, N], narrow: f16[M]
{
  wide[m, n] = sum[k](a[m, k] * b[k, n]);
  narrow[m] = sum.f16[k](a[m, k]);
}""", {"M": 5, "N": 6, "K": 8}, {"a": a, "b": b}, {"wide": a @ b, "narrow": a.sum(axis=1)})


def indirect_convolutions():
    rng = random_of("im2col")
    src, wei = whole(rng, (2, 5, 4, 2)), whole(rng, (3, 3, 2, 3))
    dst = conv(beyond(src, (1, 2), 1, 1), wei, (3, 2), 2)
    yield Case("im2col", """
kernel im2col(src: f32[N, IH, IW, IC] outside 0 on (IH, IW), const wei: f32[KH*KW*IC, OC], KH: int, KW: int,
              s: int = 1, p: int = 0) -> dst: f32[N*OH*OW, OC]
where OH = (IH + 2*p - KH)/s + 1, OW = (IW + 2*p - KW)/s + 1
{
  let col[r in 0..N*OH*OW, k in 0..KH*KW*IC] =
      src[r/(OH*OW), r/OW%OH*s + k/(KW*IC) - p, r%OW*s + k/IC%KW - p, k%IC];
  dst[r, oc] = sum[k](col[r, k] * wei[k, oc]);
}""", {"N": 2, "IH": 5, "IW": 4, "IC": 2, "OC": 3, "KH": 3, "KW": 3, "s": 2, "p": 1},
               {"src": src, "wei": wei.reshape(18, 3)}, {"dst": dst.reshape(12, 3)})
    rng = random_of("winograd")
    src, wei = whole(rng, (1, 5, 6, 3)), whole(rng, (3, 3, 3, 2))
    yield Case("winograd, an odd number of rows", """
const BT: f32[4, 4] = [[1, 0, -1, 0], [0, 1, 1, 0], [0, -1, 1, 0], [0, 1, 0, -1]];
const G: f32[4, 3] = [[1, 0, 0], [1/2, 1/2, 1/2], [1/2, -1/2, 1/2], [0, 0, 1]];
const AT: f32[2, 4] = [[1, 1, 1, 0], [0, 1, -1, -1]];
kernel winograd(src: f32[N, IH, IW, IC] outside 0 on (IH, IW), const wei: f32[3, 3, IC, OC], p: int = 1)
    -> dst: f32[N, OH, OW, OC]
where OH = IH + 2*p - 2, OW = IW + 2*p - 2
{
  let U[a, b, ic, oc] = sum[i, j](G[a, i] * wei[i, j, ic, oc] * G[b, j]);
  let V[a, b, n, y in .., x in .., ic] = sum[i, j](BT[a, i] * src[n, 2*y+i-p, 2*x+j-p, ic] * BT[b, j]);
  let M[a, b, n, y in .., x in .., oc] = sum[ic](U[a, b, ic, oc] * V[a, b, n, y, x, ic]);
  dst[n, oh, ow, oc] = sum[a, b](AT[oh%2, a] * M[a, b, n, oh/2, ow/2, oc] * AT[ow%2, b]);
}""", {"N": 1, "IH": 5, "IW": 6, "IC": 3, "OC": 2}, {"src": src, "wei": wei},
               {"dst": conv(beyond(src, (1, 2), 1, 1), wei, (5, 6))})


SOFTMAX = """
kernel softmax(x: f32[N, C]) -> dst: f32[N, C]
{
  let m[n] = max[c](x[n, c]);
  let e[n, c] = exp(x[n, c] - m[n]);
  let z[n] = sum[c](e[n, c]);
  dst[n, c] = e[n, c]/z[n];
}
"""


def softmax(x):
    return np.exp(x) / np.exp(x).sum(axis=-1, keepdims=True)


def rows():
    x = eighths(random_of("softmax"), (5, 19), -40, 40)
    yield Case("softmax", SOFTMAX, {"N": 5, "C": 19}, {"x": x}, {"dst": softmax(x)}, exact=False)
    yield Case("softmax, number of rows open", SOFTMAX, {"N": 5, "C": 19}, {"x": x}, {"dst": softmax(x)}, exact=False,
               opened=("N",))
    rng = random_of("layer_norm")
    x, gamma, beta = eighths(rng, (4, 18), -40, 40), eighths(rng, 18), eighths(rng, 18)
    normal = (x - x.mean(axis=1, keepdims=True)) / np.sqrt(x.var(axis=1, keepdims=True) + 1 / 1024)
    yield Case("layer norm", """
kernel layer_norm(x: f32[N, C], const gamma: f32[C], const beta: f32[C], eps: f32 = 1e-5) -> dst: f32[N, C]
{
  let mu[n] = mean[c](x[n, c]);
  let d[n, c] = x[n, c] - mu[n];
  let var[n] = mean[c](d[n, c]*d[n, c]);
  dst[n, c] = d[n, c] * rsqrt(var[n] + eps) * gamma[c] + beta[c];
}""", {"N": 4, "C": 18}, {"x": x, "gamma": gamma, "beta": beta, "eps": 1 / 1024}, {"dst": normal * gamma + beta},
               exact=False)
    rng = random_of("argmax")
    x = whole(rng, (6, 17), -4, 4)
    yield Case("argmax, the first of equals", """
kernel argmax(x: f32[N, C]) -> dst: i32[N]
{
  let m[n] = max[c](x[n, c]);
  dst[n] = min[c where x[n, c] == m[n]](i32(c));
}""", {"N": 6, "C": 17}, {"x": x}, {"dst": x.argmax(axis=1)})
    src = whole(random_of("histogram"), 40, 0, 255)
    yield Case("histogram, by reading", """
kernel histogram(src: u8[N]) -> h: i32[B]
where B = 16
{
  h[b] = sum[i where i32(src[i])/16 == i32(b)](1);
}""", {"N": 40}, {"src": src}, {"h": np.histogram(src, bins=16, range=(0, 256))[0]})


def attention():
    for name, filtered, size, keys in (("attention", False, 5, 6), ("attention, causal, grouped heads", True, 3, 6)):
        rng = random_of(name)
        heads, groups, depth = (4, 2, 4) if filtered else (2, 2, 4)
        q = eighths(rng, (1, heads, size, depth))
        k, v = eighths(rng, (1, groups, keys, depth)), eighths(rng, (1, groups, keys, depth))
        shared = heads // groups
        scores = 0.5 * q @ np.repeat(k, shared, axis=1).transpose(0, 1, 3, 2)
        if filtered:
            scores = np.where(np.tril(np.ones((size, keys)), keys - size) > 0, scores, -np.inf)
        dst = softmax(scores) @ np.repeat(v, shared, axis=1)
        where = " where j <= i + T - S" if filtered else ""
        yield Case(name, f"""
kernel attention(q: f32[B, H, S, D], k: f32[B, G, T, D], v: f32[B, G, T, D], scale: f32) -> dst: f32[B, H, S, D]
where H % G == 0, T >= S
{{
  let s[b, h, i, j] = scale * sum[d](q[b, h, i, d] * k[b, h/(H/G), j, d]);
  let m[b, h, i] = max[j{where}](s[b, h, i, j]);
  let w[b, h, i, j] = exp(s[b, h, i, j] - m[b, h, i]);
  let z[b, h, i] = sum[j{where}](w[b, h, i, j]);
  dst[b, h, i, d] = sum[j{where}](w[b, h, i, j] * v[b, h/(H/G), j, d]) / z[b, h, i];
}}""", {"B": 1, "H": heads, "G": groups, "S": size, "T": keys, "D": depth}, {"q": q, "k": k, "v": v, "scale": 0.5},
                   {"dst": dst}, exact=False)


def cases():
    for some in (gemms, indirect_convolutions, rows, attention):
        yield from some()
