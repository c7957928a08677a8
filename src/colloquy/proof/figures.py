"""The figures of the pipeline benchmark, for programs and for people."""

from __future__ import annotations

import platform
from pathlib import Path

from msgspec import Struct

from . import show


class LatencyMs(Struct, frozen=True):
    p50: float
    p95: float
    p99: float


class Machine(Struct, frozen=True):
    """Where it was measured. `elsewhere` and `stolen`: shares of all CPU time in the sustained
    run that other processes had, and that the host kept for others."""

    cores: int
    cpu: str
    python: str
    sqlite: str
    elsewhere: float
    stolen: float


class PipelineReport(Struct, kw_only=True):
    """The figures. Rates are messages per second of wall time, CPU is milliseconds per message.

    `latency_ms` runs from sending a message to its reply over HTTP, at half of `pipeline_per_s`;
    the channel has no quiet period. `stages` are shares of the time that batches spent in them,
    waiting included. `rss_growth_mb` is from 20 % of the sustained run to its end.
    """

    accept_batch_per_s: float
    accept_single_per_s: float
    accept_p99_ms: float
    accept_batch_p99_ms: float
    pipeline_per_s: float
    latency_ms: LatencyMs
    latency_at_per_s: float
    probes: int
    cpu_ms_per_message: float
    cpu_main_ms: float
    cpu_compute_ms: float
    cpu_load_ms: float
    """What the load generator took per message: not the server's, but off the same cores."""
    peak_rss_mb: float
    rss_growth_mb: float
    main_rss_mb: float
    compute_rss_mb: float
    stages: dict[str, float]
    cold_start_s: float
    second_start_s: float
    messages: int
    text: str
    refused: int
    """Requests that were told to come again later (429)."""
    dropped: int
    """Messages without a receipt, turn or reply: must be 0."""
    dead_lettered: int
    bytes_per_message: float
    """What a message and everything about it take on disk."""
    machine: Machine


def cpu_model() -> str:
    """What the processor calls itself."""
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def show_pipeline(report: PipelineReport) -> None:
    """The figures as a table on standard output."""
    late = report.latency_ms
    rows: list[show.Row] = [
        ("accept, batches of 50", report.accept_batch_per_s, "messages/s, synced to disk"),
        ("accept, one by one", report.accept_single_per_s, f"p99 {report.accept_p99_ms:g} ms"),
        ("whole pipeline", report.pipeline_per_s, f"messages/s over {report.messages:,}"),
        (
            "time to the reply",
            f"{late.p50:g} ms",
            f"p95 {late.p95:g}, p99 {late.p99:g} at {report.latency_at_per_s:,.0f}/s",
        ),
        (
            "CPU per message",
            f"{report.cpu_ms_per_message:g} ms",
            f"main {report.cpu_main_ms:g}, compute {report.cpu_compute_ms:g}; "
            f"the load itself {report.cpu_load_ms:g}",
        ),
        (
            "memory",
            f"{report.peak_rss_mb:g} MB",
            f"main {report.main_rss_mb:g}, compute {report.compute_rss_mb:g}; "
            f"grew by {report.rss_growth_mb:g}",
        ),
        ("on disk", f"{report.bytes_per_message:,.0f} B", "per message, everything included"),
        ("start", f"{report.cold_start_s:g} s", f"again: {report.second_start_s:g} s"),
        ("told to come later", report.refused, "requests, all taken in the end"),
        ("dropped", report.dropped, ""),
        ("dead-lettered", report.dead_lettered, ""),
    ]
    rows += [(f"stage {name}", f"{share:.1%}", "") for name, share in report.stages.items()]
    machine = report.machine
    title = (
        f"colloquy bench pipeline: {report.text} text, {machine.cores} cores ({machine.cpu}), "
        f"Python {machine.python}, SQLite {machine.sqlite}; "
        f"others took {machine.elsewhere:.0%}, the host {machine.stolen:.0%} of the CPU"
    )
    show.print_rows(title, rows, alarming=lambda name: name == "dropped" and bool(report.dropped))
