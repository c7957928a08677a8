"""Statistical tests on counts and short series. Pure, with nothing but `math`.

Mann, "Nonparametric tests against trend" (Econometrica 13, 1945); Sen (JASA 63, 1968); Mann and
Whitney (Ann. Math. Stat. 18, 1947); Fisher's exact test as in Agresti, "Categorical Data Analysis",
3.5; Wilson (JASA 22, 1927); Benjamini and Hochberg (J. R. Stat. Soc. B 57, 1995). All tests are
two-sided.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import combinations, permutations
from math import erfc, exp, lgamma, sqrt
from statistics import median
from typing import Literal, NamedTuple

LEAST_POINTS = 4
"""Below it no order of a series is improbable enough to tell anything."""
EXACT_POINTS = 7
"""Up to it every order of the series is tried; beyond, the normal approximation is good."""
LEAST_EACH = 8
"""Values of each side from which the normal approximation of Mann and Whitney's U is good."""
LEAST_EXPECTED = 5
"""Below such an expected count proportions are compared exactly (Cochran 1954)."""
Z95 = 1.959963984540054


class Trended(NamedTuple):
    """`tau` is Kendall's, -1 to 1; `slope` Sen's, per step."""

    tau: float
    slope: float
    p: float


class Compared(NamedTuple):
    """`effect`: see the test that made it."""

    test: Literal["mann-whitney", "two-proportions", "fisher"]
    effect: float
    p: float


def mann_kendall(values: Sequence[float]) -> Trended | None:
    """Whether a series rises or falls; None for fewer than 4 values.

    Ties and continuity are corrected for; up to 7 values the probability is exact.
    """
    n = len(values)
    if n < LEAST_POINTS:
        return None
    score = _kendall_score(values)
    slope = median((values[j] - values[i]) / (j - i) for i, j in combinations(range(n), 2))
    if n <= EXACT_POINTS:
        orders = list(permutations(values))
        p = sum(abs(_kendall_score(order)) >= abs(score) for order in orders) / len(orders)
    else:
        ties = sum(t * (t - 1) * (2 * t + 5) for t in Counter(values).values())
        variance = (n * (n - 1) * (2 * n + 5) - ties) / 18
        p = _two_sided(max(0, abs(score) - 1) / sqrt(variance)) if variance > 0 else 1.0
    return Trended(score / (n * (n - 1) / 2), slope, p)


def mann_whitney(first: Sequence[int], second: Sequence[int]) -> Compared | None:
    """Whether the values of `second` tend to be larger than those of `first`.

    Both are counts of the same ordered classes. The effect is the chance that a value of `second`
    is the larger, ties counted half. None where either side has fewer than 8 values.
    """
    n1, n2 = sum(first), sum(second)
    if min(n1, n2) < LEAST_EACH:
        return None
    below, wins, ties = 0, 0.0, 0
    for one, other in zip(first, second, strict=True):
        wins += other * (below + one / 2)
        below += one
        both = one + other
        ties += both**3 - both
    n = n1 + n2
    variance = n1 * n2 / 12 * (n + 1 - ties / (n * (n - 1)))
    distance = max(0.0, abs(wins - n1 * n2 / 2) - 0.5)
    p = _two_sided(distance / sqrt(variance)) if variance > 0 else 1.0
    return Compared("mann-whitney", wins / (n1 * n2), p)


def proportions(bad1: int, n1: int, bad2: int, n2: int) -> Compared | None:
    """Whether the share of `bad2` in `n2` differs from that of `bad1` in `n1`.

    The effect is the second share less the first. By the pooled z test, or Fisher's exact one where
    an expected count is below 5. None where a side is empty.
    """
    if n1 == 0 or n2 == 0:
        return None
    effect = bad2 / n2 - bad1 / n1
    bad, n = bad1 + bad2, n1 + n2
    if min(n1, n2) * min(bad, n - bad) / n < LEAST_EXPECTED:
        return Compared("fisher", effect, _fisher(bad1, n1, bad, n))
    pooled = bad / n
    error = sqrt(pooled * (1 - pooled) * (1 / n1 + 1 / n2))
    return Compared("two-proportions", effect, _two_sided(abs(effect) / error))


def wilson(good: float, n: float) -> tuple[float, float]:
    """The interval of 95 % for a share; `n` is above 0. Cases that come in clusters count with what
    they are worth (`clusters.py`; Dean and Pagano, J. Surv. Stat. Methodol. 3, 2015)."""
    share, z2 = good / n, Z95 * Z95
    centre = (share + z2 / (2 * n)) / (1 + z2 / n)
    half = Z95 / (1 + z2 / n) * sqrt(share * (1 - share) / n + z2 / (4 * n * n))
    return max(0.0, centre - half), min(1.0, centre + half)


def benjamini_hochberg(ps: Sequence[float]) -> list[float]:
    """Each probability corrected for how many there are: below q, at most the share q is chance."""
    corrected = [1.0] * len(ps)
    least = 1.0
    for rank, place in sorted(
        enumerate(sorted(range(len(ps)), key=lambda place: ps[place]), 1), reverse=True
    ):
        least = min(least, ps[place] * (len(ps) / rank))
        corrected[place] = least
    return corrected


def _kendall_score(values: Sequence[float]) -> int:
    """Pairs that rise less pairs that fall."""
    return sum((b > a) - (b < a) for a, b in combinations(values, 2))


def _two_sided(z: float) -> float:
    return erfc(z / sqrt(2))


def _fisher(bad1: int, n1: int, bad: int, n: int) -> float:
    """Of all tables with these margins the probability of those no likelier than this one."""
    constant = _log_choose(n, n1)

    def likelihood(count: int) -> float:
        return _log_choose(bad, count) + _log_choose(n - bad, n1 - count) - constant

    # A little slack: tables of the same probability differ in the last digits.
    most = likelihood(bad1) + 1e-7
    possible = range(max(0, n1 - (n - bad)), min(bad, n1) + 1)
    found = sum(exp(value) for value in map(likelihood, possible) if value <= most)
    return min(1.0, found)


def _log_choose(n: int, k: int) -> float:
    return lgamma(n + 1) - lgamma(k + 1) - lgamma(n - k + 1)
