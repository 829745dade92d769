// Made by scripts/function_coefficients.py: minimax polynomials of the element functions, lowest power first.
// Errors: the greatest, relative to the function, before the coefficients are rounded to f32.
#pragma once

// clang-format off
namespace sparkle {

inline constexpr double kTanhNear = 0.625;
inline constexpr double kErfNear = 0.927699983;

/// e^r = 1 + r (1 + r q(r)), |r| <= ln(2)/2: q. Error 3.1e-09.
inline constexpr double kExpCoefficients[] = {
    0.49999994,
    0.166665196,
    0.0416683927,
    0.00836877059,
    0.00138144998,
};

/// log(1 + f) = f + f^2 q(f), |f| <= 1/3: q. Error 4.5e-09.
inline constexpr double kLogCoefficients[] = {
    -0.5,
    0.333332092,
    -0.249997169,
    0.200107485,
    -0.166823044,
    0.140011504,
    -0.121671654,
    0.140048072,
    -0.129489318,
};

/// tanh(x) = x + x^3 q(x^2), |x| <= kTanhNear: q. Error 4.4e-09.
inline constexpr double kTanhCoefficients[] = {
    -0.333332807,
    0.133314416,
    -0.0537397191,
    0.0206390992,
    -0.00570499571,
};

/// erf(x) = x + x q(x^2), |x| <= kErfNear: q. Error 4.4e-10.
inline constexpr double kErfNearCoefficients[] = {
    0.128379166,
    -0.376126319,
    0.112836897,
    -0.0268590748,
    0.00520023191,
    -0.000813364983,
    8.33193626e-05,
};

/// erf(t) = 1 - e^(-t + t q(t)), kErfNear <= t < 4: q. Error 2.9e-09.
inline constexpr double kErfFarCoefficients[] = {
    -0.128511891,
    -0.635726631,
    -0.105250925,
    0.0228829794,
    -0.00321278023,
    0.000213721331,
};

} // namespace sparkle
