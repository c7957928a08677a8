"""Turns by the version of the client that they are of, from any number of processes."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from ...model.rollouts import Figures
from .sources import Sources
from .tally import Tally
from .window import KeptWindow, Outcomes, Window

MAX_VERSIONS = 8
OTHER = "other"
"""What further ones count as."""


class KeptVersions(Struct, frozen=True, forbid_unknown_fields=True):
    """Versions as they are stored; `sources`: see `KeptRelease`."""

    windows: dict[str, KeptWindow] = {}
    sources: dict[str, int] = {}


class Versions:
    """A window of each version; times are seconds of the clock of all who hand in."""

    def __init__(self, span_s: float) -> None:
        self._span_s = span_s
        self._windows: dict[str, Window] = {}
        self._sources = Sources()

    def take(
        self, now_s: float, fresh: Mapping[str, Outcomes], source: str = "", number: int = 0
    ) -> bool:
        """Counts outcomes; False where `source` has handed in this `number` before."""
        if source and not self._sources.is_new(source, number):
            return False
        for version, outcomes in fresh.items():
            name = named(version, self._windows)
            self._windows.setdefault(name, Window(self._span_s)).add(now_s, outcomes)
        return True

    def figures(self, now_s: float, fresh: Mapping[str, Outcomes]) -> dict[str, Figures]:
        """Of the last while, with those that are not handed in."""
        tallies = {name: one.tally(now_s) for name, one in self._windows.items()}
        for version, outcomes in fresh.items():
            name = named(version, tallies)
            tallies.setdefault(name, Tally()).add(outcomes.tally)
        return {name: tallies[name].figures() for name in sorted(tallies)}

    def kept(self) -> KeptVersions:
        windows = {name: window.kept() for name, window in self._windows.items()}
        return KeptVersions(windows, self._sources.kept())

    @classmethod
    def of(cls, kept: KeptVersions, span_s: float) -> Versions:
        """Raises ValueError for those of another version of this program."""
        found = cls(span_s)
        for name, window in kept.windows.items():
            found._windows[name] = Window(span_s)
            found._windows[name].take_up(window)
        found._sources = Sources(kept.sources)
        return found


def named(version: str, known: Mapping[str, object]) -> str:
    """The version, or OTHER where there are too many."""
    return version if version in known or len(known) < MAX_VERSIONS - 1 else OTHER
