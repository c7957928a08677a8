"""Evidence that a rate is too high or that turns are too slow, safe to look at as often as one
likes.

Each test is a bet against its null hypothesis. Its value begins at 1 and is expected not to grow
while the hypothesis holds, so by Ville's inequality (1939) the chance that it *ever* reaches 1/α is
at most α, however often it is looked at and whenever one stops. See Ramdas, Grünwald, Vovk and
Shafer, "Game-theoretic statistics and safe anytime-valid inference" (Statistical Science, 2023).

A bet is spread over alternatives and over the times at which things may have gone wrong: one that
begins later has lost nothing while all was well. The weights 1/(j(j+1)) of the beginnings sum to 1,
so the guarantee holds for all of them together, for ever.

It is assumed that outcomes are independent of each other given how many there are. Attempts at one
message are not quite; where all failures come from few messages the guarantee is too optimistic.
"""

from __future__ import annotations

from itertools import combinations

import numpy as np
import numpy.typing as npt
from msgspec import Struct

from .tally import OCTAVE, Bins

Numbers = npt.NDArray[np.float64]

RATES = (0.001, 0.005, 0.02, 0.06, 0.15, 0.3, 0.5, 0.8)
"""Rates that alternatives are made of: from one another by about the same step of the odds."""
SHARES = (0.55, 0.6, 0.7, 0.8, 0.9, 0.98)
"""How often a slow turn is the slower one of a pair, in alternatives to every other time."""
BEGIN_EVERY = 50
"""A bet begins anew after so many outcomes: twice as often finds a change 25 outcomes earlier and
costs log 2 of evidence ever after."""
_MOST = 1e250
"""Where a value stops to grow, far below what a float holds."""


class KeptBet(Struct, array_like=True, frozen=True, forbid_unknown_fields=True):
    """A bet as it is stored."""

    values: list[float]
    begun: int
    since: int


class _Bet:
    """A bet on several alternatives, begun again and again."""

    def __init__(self, alternatives: int) -> None:
        self._values = np.zeros(alternatives)
        self._begun = 0
        self._since = BEGIN_EVERY

    @property
    def value(self) -> float:
        """What the bet is worth: 20 is evidence at the level 1/20."""
        return float(self._values.sum()) + 1 / (self._begun + 1)

    def kept(self) -> KeptBet:
        return KeptBet(self._values.tolist(), self._begun, self._since)

    def take_up(self, kept: KeptBet) -> None:
        """Goes on with what was stored. Raises ValueError for a bet on other alternatives."""
        if len(kept.values) != len(self._values):
            raise ValueError("a bet of another version")
        self._values = np.array(kept.values)
        self._begun, self._since = kept.begun, kept.since

    def _add(self, gains: Numbers, outcomes: int) -> None:
        """`gains`: the logarithm of what each alternative makes of these outcomes."""
        if self._since >= BEGIN_EVERY:
            self._begun += 1
            self._since = 0
            self._values += 1 / (self._begun * (self._begun + 1)) / len(self._values)
        self._since += outcomes
        grown = self._values * np.exp(np.clip(gains, -700.0, 100.0))
        self._values = np.minimum(grown, _MOST)


class Exceeds(_Bet):
    """Evidence that failures are more frequent than `bound` (0 to 1).

    The likelihood ratio of a higher rate against the bound (Wald, "Sequential Tests of Statistical
    Hypotheses", 1945), whose expectation is at most 1 for every rate up to the bound.
    """

    def __init__(self, bound: float) -> None:
        rates = np.array([rate for rate in RATES if rate > 1.5 * bound])
        self._bad = np.log(rates / bound)
        self._good = np.log((1 - rates) / (1 - bound))
        super().__init__(len(rates))

    def add(self, count: int, failed: int) -> None:
        """Outcomes since the last call."""
        if count:
            self._add(failed * self._bad + (count - failed) * self._good, count)


class Worse(_Bet):
    """Evidence that the new arm fails more often than the old one, at whatever rate that one fails.

    The E-variable for two Bernoulli streams of Turner, Ly and Grünwald, "Generic E-variables for
    exact sequential k-sample tests that allow for optional stopping" (2021): the likelihood of the
    alternative against both arms failing at the alternative's mean rate, weighted by their sizes.
    For equal rates its expectation is at most 1 by the inequality of the means, and it falls where
    the new arm is the better one. The rates themselves may change from call to call: an outage that
    hits both arms is no evidence.
    """

    def __init__(self) -> None:
        low, high = np.array(list(combinations(RATES, 2))).T
        self._low, self._high = low, high
        self._logs = (np.log(low), np.log1p(-low), np.log(high), np.log1p(-high))
        super().__init__(len(low))

    def add(self, old: int, old_failed: int, new: int, new_failed: int) -> None:
        """Outcomes of both arms since the last call."""
        if not old or not new:
            return  # one arm alone says nothing of a difference
        total, failed = old + new, old_failed + new_failed
        mean = (old * self._low + new * self._high) / total
        bad_low, good_low, bad_high, good_high = self._logs
        gains = (
            old_failed * bad_low
            + (old - old_failed) * good_low
            + new_failed * bad_high
            + (new - new_failed) * good_high
            - failed * np.log(mean)
            - (total - failed) * np.log1p(-mean)
        )
        self._add(gains, new)


class Slower(_Bet):
    """Evidence that turns of the new arm take more than twice as long as those of the old one.

    The statistic is Mann and Whitney's ("On a Test of Whether one of Two Random Variables is
    Stochastically Larger than the Other", 1947): of all pairs of a new and an old turn the share
    in which the new one took longer than twice the old, ties half. Where the new arm's times are
    not stochastically larger than twice the old arm's, that is expected to be a half at most.

    Pairs share turns, so only as many count as can be made with each turn once. The likelihood
    ratio of a sign test on so many is convex in the wins, and the share is their mean over all ways
    to pair, so its expectation is at most 1 here as well (Hoeffding, "Probability Inequalities for
    Sums of Bounded Random Variables", 1963, section 5). Only the order of times matters: one that
    is a million times longer weighs as much as one that is three times as long.
    """

    def __init__(self) -> None:
        shares = np.array(SHARES)
        self._won, self._lost = np.log(shares / 0.5), np.log((1 - shares) / 0.5)
        super().__init__(len(shares))

    def add(self, old: Bins, new: Bins) -> None:
        """Times of both arms since the last call."""
        count_old, count_new = int(old.sum()), int(new.sum())
        if not count_old or not count_new:
            return  # one arm alone says nothing of a difference
        twice = np.concatenate((np.zeros(OCTAVE, np.int64), old[:-OCTAVE]))
        # What doubled is beyond the last bin is above all that is there: no new turn is longer.
        below = np.cumsum(twice) - twice
        share = float(new @ (below + twice / 2)) / (count_old * count_new)
        pairs = min(count_old, count_new)
        won = share * pairs
        self._add(won * self._won + (pairs - won) * self._lost, count_new)
