"""Student's t and the binomial distribution, from the incomplete beta function; numpy has neither, and scipy is large.

Source: Abramowitz and Stegun, 26.5 (the continued fraction 26.5.8 in its form by Lentz).
"""

from __future__ import annotations

import functools
import math

_TINY = 1e-300
_CLOSE = 1e-15
_MOST_TERMS = 100_000
_MOST_STEPS = 200


def beta(a: float, b: float, x: float) -> float:
    """The regularised incomplete beta function I_x(a, b), for a, b > 0 and x from 0 to 1."""
    if x <= 0:
        return 0.0
    if x >= 1:
        return 1.0
    front = math.exp(math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b) + a * math.log(x) + b * math.log1p(-x))
    if x > (a + 1) / (a + b + 2):  # there the fraction of the other tail is sooner done
        return 1.0 - front * _fraction(b, a, 1 - x) / b
    return front * _fraction(a, b, x) / a


def _fraction(a: float, b: float, x: float) -> float:
    d = 1.0 / _apart(1 - (a + b) * x / (a + 1))
    c, result = 1.0, d
    for m in range(1, _MOST_TERMS):
        for numerator in (
            m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m)),
            -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1)),
        ):
            d = 1.0 / _apart(1 + numerator * d)
            c = _apart(1 + numerator / c)
            result *= c * d
        if abs(c * d - 1) < _CLOSE:
            break
    return result


def _apart(value: float) -> float:
    """Not zero."""
    return value if abs(value) > _TINY else _TINY


def t_cdf(t: float, freedom: float) -> float:
    """The probability that Student's t with so many degrees of freedom is below t."""
    tail = beta(freedom / 2, 0.5, freedom / (freedom + t * t)) / 2
    return 1 - tail if t > 0 else tail


@functools.lru_cache(maxsize=4096)
def t_quantile(probability: float, freedom: float) -> float:
    """The t that is not exceeded with this probability, 0 < probability < 1."""
    if probability < 0.5:
        return -t_quantile(1 - probability, freedom)
    low, high = 0.0, 1.0
    while t_cdf(high, freedom) < probability:
        low, high = high, high * 2
    middle = (low + high) / 2
    for _ in range(_MOST_STEPS):  # Newton's, within what is known to hold the answer
        beyond = t_cdf(middle, freedom) - probability
        low, high = (low, middle) if beyond > 0 else (middle, high)
        following = middle - beyond / _t_density(middle, freedom)
        if not low < following < high:
            following = (low + high) / 2
        if abs(following - middle) <= _CLOSE * middle:
            break
        middle = following
    return middle


def _t_density(t: float, freedom: float) -> float:
    front = math.lgamma((freedom + 1) / 2) - math.lgamma(freedom / 2) - math.log(freedom * math.pi) / 2
    return max(math.exp(front - (freedom + 1) / 2 * math.log1p(t * t / freedom)), _TINY)


def binomial_cdf(k: int, n: int, p: float) -> float:
    """The probability of at most k successes of n."""
    if k < 0:
        return 0.0
    return 1.0 if k >= n else beta(n - k, k + 1, 1 - p)


def binomial_quantile(probability: float, n: int, p: float) -> int:
    """The least k with binomial_cdf(k) >= probability."""
    low, high = -1, n
    while high - low > 1:
        middle = (low + high) // 2
        if binomial_cdf(middle, n, p) < probability:
            low = middle
        else:
            high = middle
    return high
