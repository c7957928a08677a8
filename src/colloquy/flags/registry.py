"""The flags that exist. Each gates one named behaviour and is tested on and off (decision 1)."""

from __future__ import annotations

from msgspec import Struct

Value = bool | int | float | str


class Flag(Struct, frozen=True):
    """One flag. `default` and `legacy` are its values in the two profiles.

    `fail_safe` is the value to act on when its true value cannot be found out.
    """

    name: str
    type: type[Value]
    default: Value
    legacy: Value
    fail_safe: Value
    owner: str
    meaning: str


REGISTRY: dict[str, Flag] = {
    flag.name: flag
    for flag in (
        Flag(
            name="enable_bursts",
            type=bool,
            default=True,
            legacy=False,
            fail_safe=False,
            owner="pipeline",
            meaning="Messages sent shortly after each other are answered as one turn.",
        ),
        Flag(
            name="enable_apology",
            type=bool,
            default=True,
            legacy=False,
            fail_safe=True,
            owner="pipeline",
            meaning="A visitor whose message is dead-lettered gets an apology.",
        ),
        Flag(
            name="enable_content_dedup",
            type=bool,
            default=True,
            legacy=False,
            fail_safe=False,
            owner="pipeline",
            meaning="A text repeated within the channel's window is one message.",
        ),
        Flag(
            name="capture_metrics",
            type=bool,
            default=True,
            legacy=False,
            fail_safe=True,
            owner="telemetry",
            meaning="Counters and histograms are kept for /metrics.",
        ),
        Flag(
            name="verbose_logging",
            type=bool,
            default=False,
            legacy=False,
            fail_safe=False,
            owner="telemetry",
            meaning="Every turn writes a log line of its own.",
        ),
    )
}
