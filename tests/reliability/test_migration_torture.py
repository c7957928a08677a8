"""A V1 table is moved to V2 and back under live traffic, while its program, the work on it and the
server are killed at every stage. COLLOQUY_TEST_MIGRATION_MESSAGES makes the table larger."""

from __future__ import annotations

import os
import shutil

import msgspec
import pytest

from colloquy.model.errors import InvalidInput
from colloquy.proof.migration.proof import ONE, TWO, torture_migration
from colloquy.proof.migration.report import show_report
from colloquy.proof.migration.walk import STEPS

MESSAGES = int(os.environ.get("COLLOQUY_TEST_MIGRATION_MESSAGES", "2000"))


@pytest.mark.timeout(900)
@pytest.mark.parametrize("layout", [ONE, TWO])
def test_nothing_is_lost_doubled_or_answered_otherwise(
    layout: str, capsys: pytest.CaptureFixture[str]
) -> None:
    report = torture_migration(messages=MESSAGES, seed=4, layouts=[layout], progress=False)
    show_report(report)
    shown = capsys.readouterr().out
    assert report.ok, shown
    (one,) = report.layouts
    assert one.steps == [str(stage) for _, stage in STEPS]
    # A run in which nothing went wrong proves nothing.
    assert {"V1", "V2"} <= one.injected.keys()
    assert one.found == one.repaired == sum(one.injected.values()) > 0
    assert one.refused > 0 and one.live > 0 and one.server_messages > 0
    assert one.table_answers > one.conversations and one.server_answers > 0
    for where in ("off", "shadow", "dual_v1", "dual_v2", "v2_only", "dual_v2 again"):
        assert {"program", "step"} <= one.kills[where].keys(), where
    assert one.kills["shadow"]["backfill_v1"] > 0
    assert any("verify" in kinds for kinds in one.kills.values())
    assert report.replay in shown.replace("\n", " ")
    msgspec.json.encode(report)
    if report.kept is not None:
        shutil.rmtree(report.kept)


def test_what_it_cannot_do_is_refused() -> None:
    with pytest.raises(InvalidInput, match="at least"):
        torture_migration(messages=10)
    with pytest.raises(InvalidInput, match="--database-url"):
        torture_migration(messages=2000, v2_database_url="postgresql://here/new")
