"""A share of cases that come in clusters: ratings of one conversation are alike.

J. N. K. Rao and A. J. Scott, "A simple method for the analysis of clustered binary data"
(Biometrics 48, 1992): cases are worth `n / d` independent ones, where the design effect `d` is the
variance of the share as clusters show it, over the one that independent cases would have.
"""

from __future__ import annotations

from typing import NamedTuple


class Worth(NamedTuple):
    """Independent cases that tell as much as the clustered ones: so many good, of so many."""

    good: float
    n: float


class Clusters:
    """Sums over clusters, in memory of a fixed size."""

    __slots__ = ("_good", "_good_good", "_good_n", "_n", "_n_n", "clusters")

    def __init__(self) -> None:
        self.clusters = 0
        self._good = self._n = 0
        self._good_good = self._good_n = self._n_n = 0

    def add(self, good: int, n: int) -> None:
        """A cluster of `n` cases, of which some are good; `n` is at least 1."""
        self.clusters += 1
        self._good += good
        self._n += n
        self._good_good += good * good
        self._good_n += good * n
        self._n_n += n * n

    @property
    def design_effect(self) -> float:
        """At least 1: that clusters are less alike than chance would have them is not believed."""
        good, n, m = self._good, self._n, self.clusters
        if m < 2 or not 0 < good < n:
            return max(1.0, self._n_n / n) if n else 1.0
        share = good / n
        spread = self._good_good - 2 * share * self._good_n + share * share * self._n_n
        variance = m / (m - 1) * spread / (n * n)
        return max(1.0, variance * n / (share * (1 - share)))

    @property
    def worth(self) -> Worth:
        effect = self.design_effect
        return Worth(self._good / effect, self._n / effect)
