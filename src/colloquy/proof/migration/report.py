"""What the migration under fire found."""

from __future__ import annotations

from msgspec import Struct

from .. import show

MUST_BE_NONE = ("lost", "doubled", "changed_answers", "unrepaired")


class LayoutReport(Struct, kw_only=True):
    """One migration from `off` to `v2_only` and back to `off`.

    `kills`: stage → what was killed → times. `injected`: side → mismatches made on purpose, all of
    which must be `found` and `repaired`; `refused`: messages that the primary would not take for a
    while, which must then be nowhere. `others`: mismatches that nobody injected (messages of live
    traffic on their way). `lost` counts messages, `doubled` rows and messages that nobody sent or
    that are there twice, `changed_answers` those that were not the recorded bytes.
    """

    layout: str
    messages: int
    conversations: int
    live: int
    server_messages: int
    kills: dict[str, dict[str, int]]
    injected: dict[str, int]
    refused: int
    found: int
    repaired: int
    others: int
    quieted: int
    """Times that live traffic had to pause so that the tables could be found to be the same."""
    table_answers: int
    server_answers: int
    lost: int
    doubled: int
    changed_answers: int
    unrepaired: int
    other_problems: dict[str, int]
    steps: list[str]
    seconds: float
    examples: list[str]

    @property
    def killed(self) -> int:
        return sum(sum(kinds.values()) for kinds in self.kills.values())

    @property
    def is_ok(self) -> bool:
        return not self.other_problems and not any(getattr(self, name) for name in MUST_BE_NONE)


class MigrationTortureReport(Struct, kw_only=True):
    """The same figures over all layouts."""

    ok: bool
    database: str
    data: str
    seed: int
    messages: int
    kills: int
    injected: int
    found: int
    repaired: int
    lost: int
    doubled: int
    changed_answers: int
    unrepaired: int
    answers: int
    seconds: float
    replay: str
    layouts: list[LayoutReport]
    kept: str | None = None
    """Folder with databases and logs; kept when something is wrong."""


def show_report(report: MigrationTortureReport) -> None:
    """As a table on standard output, and what was wrong."""
    for one in report.layouts:
        kills = ", ".join(
            f"{stage} {sum(kinds.values())}" for stage, kinds in one.kills.items() if kinds
        )
        rows: list[show.Row] = [
            ("messages", one.messages, f"in {one.conversations:,} conversations"),
            ("live", one.live, f"and {one.server_messages:,} to the server"),
            ("kills", one.killed, kills),
            ("injected", sum(one.injected.values()), str(one.injected)),
            ("found", one.found, f"and {one.others:,} that nobody injected"),
            ("repaired", one.repaired, ""),
            ("refused", one.refused, "by the primary for a while"),
            ("answers", one.table_answers + one.server_answers, "compared, byte for byte"),
            ("seconds", one.seconds, f"live traffic paused {one.quieted} times to compare"),
        ]
        rows += [(name, getattr(one, name), "") for name in MUST_BE_NONE]
        rows += [(name, count, "") for name, count in one.other_problems.items()]
        alarming = {name for name in MUST_BE_NONE if getattr(one, name)} | {*one.other_problems}
        show.print_rows(
            f"colloquy torture --migration: {one.layout}, {report.database}, {report.data}",
            rows,
            alarming=alarming.__contains__,
        )
        for example in one.examples:
            print(f"  {example}")
    print(f"the same again, though not to the same moment: {report.replay}")
    if report.kept:
        print(f"evidence: {report.kept}")
