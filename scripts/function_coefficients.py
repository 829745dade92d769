#!/usr/bin/env python3
"""Writes compiler/passes/expand_coefficients.h: the minimax polynomials of the element functions.

    scripts/function_coefficients.py            print the header
    scripts/function_coefficients.py --check    fail unless the file on disk is the same

Each polynomial minimises the greatest weighted error on an interval by Remez's exchange algorithm (J.-M. Muller,
Elementary Functions: Algorithms and Implementation, 3rd edition, chapter 3), in decimals of 50 digits; coefficients are
then rounded to f32. Standard library only.
"""
import math
import struct
import sys
from decimal import Decimal, getcontext
from pathlib import Path

getcontext().prec = 50
HEADER = Path(__file__).resolve().parent.parent / "compiler/passes/expand_coefficients.h"
NEAR_ZERO = Decimal("1e-6")  # Where quotients are taken instead of at 0.
TANH_NEAR = "0.625"
ERF_NEAR = "0.9277"
ERF_FAR_END = "3.95"  # 1 - erf is below half an ulp of 1 from 3.92 on.


def solve(rows):
    """Gauss: the solution of a square system, each row with its right side last."""
    n = len(rows)
    for i in range(n):
        pivot = max(range(i, n), key=lambda k: abs(rows[k][i]))
        rows[i], rows[pivot] = rows[pivot], rows[i]
        for k in range(i + 1, n):
            factor = rows[k][i] / rows[i][i]
            rows[k] = [a - factor * b for a, b in zip(rows[k], rows[i])]
    x = [Decimal(0)] * n
    for i in reversed(range(n)):
        x[i] = (rows[i][n] - sum(rows[i][j] * x[j] for j in range(i + 1, n))) / rows[i][i]
    return x


def powers(x, count, step):
    result = [Decimal(1)]
    while len(result) < count:
        result.append(result[-1] * x**step)
    return result


def extremes(errors, count):
    """Indices of the greatest error of each sign in turn, `count` of them."""
    found = []
    for k, error in enumerate(errors):
        if found and (error > 0) == (errors[found[-1]] > 0):
            if abs(error) > abs(errors[found[-1]]):
                found[-1] = k
        else:
            found.append(k)
    while len(found) > count:
        found.pop(0 if abs(errors[found[0]]) < abs(errors[found[-1]]) else -1)
    if len(found) < count:
        sys.exit("the error does not alternate often enough")
    return found


def minimax(f, weight, count, low, high, step=1, points=400):
    """Coefficients c of sum c[i] x^(i*step), i < count, and the greatest |weight (f - sum)| on [low, high]."""
    low, high = Decimal(low), Decimal(high)
    middle, half = (low + high) / 2, (high - low) / 2
    grid = [middle - half * Decimal(math.cos(math.pi * k / points)) for k in range(points + 1)]
    values, weights = [f(x) for x in grid], [weight(x) for x in grid]
    basis = [powers(x, count, step) for x in grid]
    at = [round(k * points / count) for k in range(count + 1)]
    for _ in range(12):
        rows = [basis[k] + [(-1) ** i / weights[k], values[k]] for i, k in enumerate(at)]
        *coefficients, level = solve(rows)
        sums = [sum(c * b for c, b in zip(coefficients, row)) for row in basis]
        errors = [w * (v - s) for w, v, s in zip(weights, values, sums)]
        worst = max(abs(error) for error in errors)
        if worst <= abs(level) * Decimal("1.001"):
            break
        at = extremes(errors, count + 1)
    return coefficients, worst


def away(x):
    return x if abs(x) > NEAR_ZERO else NEAR_ZERO


def arctan_of_inverse(n):
    term = total = Decimal(1) / n
    k = 1
    while abs(term) > Decimal("1e-48"):
        term, k = -term / (n * n), k + 2
        total += term / k
    return total


PI = 4 * (4 * arctan_of_inverse(5) - arctan_of_inverse(239))  # Machin


def erf(x):
    """2/sqrt(pi) e^(-x^2) (x + 2 x^3/3 + 4 x^5/15 + ...): all terms have one sign."""
    term = total = x
    k = 0
    while abs(term) > Decimal("1e-45"):
        k += 1
        term = term * 2 * x * x / (2 * k + 1)
        total += term
    return 2 / PI.sqrt() * (-x * x).exp() * total


def tanh(x):
    e = (2 * x).exp()
    return (e - 1) / (e + 1)


def f32(value):
    return struct.unpack("f", struct.pack("f", float(value)))[0]


def polynomials():
    """Name, comment, coefficients and error of each."""
    def exp_rest(x):  # e^x = 1 + x (1 + x q(x))
        return ((x.exp() - 1) / x - 1) / x

    reach = Decimal(2).ln() / 2 + Decimal("0.0003")  # Rounding may pick the other multiple of ln 2.
    yield ("kExpCoefficients", "e^r = 1 + r (1 + r q(r)), |r| <= ln(2)/2: q",
           minimax(lambda x: exp_rest(away(x)), lambda x: away(x)**2 / x.exp(), 5, -reach, reach))

    def log_rest(x):  # log(1 + x) = x + x^2 q(x)
        return ((1 + x).ln() - x) / (x * x)

    third = Decimal(1) / 3
    yield ("kLogCoefficients", "log(1 + f) = f + f^2 q(f), |f| <= 1/3: q",
           minimax(lambda x: log_rest(away(x)), lambda x: away(x)**2 / abs((1 + away(x)).ln()), 9, -third, third))
    yield ("kTanhCoefficients", "tanh(x) = x + x^3 q(x^2), |x| <= kTanhNear: q",
           minimax(lambda x: (tanh(away(x)) - away(x)) / away(x)**3, lambda x: away(x)**3 / tanh(away(x)), 5, 0,
                   TANH_NEAR, step=2))
    yield ("kErfNearCoefficients", "erf(x) = x + x q(x^2), |x| <= kErfNear: q",
           minimax(lambda x: erf(away(x)) / away(x) - 1, lambda x: away(x) / erf(away(x)), 7, 0, ERF_NEAR, step=2,
                   points=200))
    yield ("kErfFarCoefficients", "erf(t) = 1 - e^(-t + t q(t)), kErfNear <= t < 4: q",
           minimax(lambda x: ((1 - erf(x)).ln() + x) / x, lambda x: (1 - erf(x)) * x / erf(x), 6, ERF_NEAR,
                   ERF_FAR_END, points=200))


def header():
    lines = ["// Made by scripts/function_coefficients.py: minimax polynomials of the element functions, lowest power first.",
             "// Errors: the greatest, relative to the function, before the coefficients are rounded to f32.",
             "#pragma once", "", "// clang-format off", "namespace sparkle {", "",
             f"inline constexpr double kTanhNear = {f32(TANH_NEAR):.9g};",
             f"inline constexpr double kErfNear = {f32(ERF_NEAR):.9g};", ""]
    for name, meaning, (coefficients, error) in polynomials():
        lines.append(f"/// {meaning}. Error {float(error):.1e}.")
        lines.append(f"inline constexpr double {name}[] = {{")
        lines += [f"    {f32(c):.9g}," for c in coefficients]
        lines += ["};", ""]
    return "\n".join(lines + ["} // namespace sparkle", ""])


def main():
    text = header()
    if sys.argv[1:] != ["--check"]:
        sys.stdout.write(text)
    elif HEADER.read_text() != text:
        sys.exit(f"{HEADER} is not what {Path(__file__).name} makes")


if __name__ == "__main__":
    main()
