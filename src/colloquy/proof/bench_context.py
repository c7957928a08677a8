"""`colloquy bench context`: what a context costs, and how many key facts survive it.

Times are of one process, conversations it has not seen before: the first context of one with 1,000
messages, and the context after each further message, from the state that is kept with it. Growth is
that of the resident memory after 100 users wrote 500 messages each, with all their states held.
What a turn is given in the product is timed too (`bench_assembly`).

Retention is the share of the facts (numbers, names, days, addresses, negations, promises; by
weight) of a conversation that a form of 50, 25 or 10 % of its tokens still has: each strategy
beside truncation, which keeps the last messages, and beside peers (extra `bench`): LexRank picks
sentences (Erkan and Radev, 2004), LangChain's `trim_messages` trims. All forms are judged alike.
"""

from __future__ import annotations

import gc
import json
import statistics
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from time import perf_counter
from typing import NamedTuple

from msgspec import Struct

from ..context.compress import (
    STRATEGIES,
    Options,
    Rolling,
    SummarySentence,
    advance,
    compress,
    decode_rolling,
    encode_rolling,
    validate,
)
from ..context.lines import Line
from ..context.tokens import EstimatedTokens
from ..model.errors import InvalidInput
from .bench_assembly import Cost, measured_apart
from .conversations import made_up, read_conversations
from .processes import resident
from .sampling import MB
from .show import stages

MESSAGES = 1_000
FURTHER = 100
TAIL = 64
"""Last lines that a context is made from, beside the state."""
RUNS = 5
USERS, MESSAGES_EACH = 100, 500
SHARES = (50, 25, 10)
CONTEXT = Options(max_context=2_000)
MOST = 10
"""Conversations that are judged."""
PEERS = ("lexrank", "langchain")

_COUNTER = EstimatedTokens()

Form = tuple[Sequence[Line], Sequence[SummarySentence]]
Peer = Callable[[Sequence[Line], int], Form]


class PeerReport(Struct, frozen=True):
    """Milliseconds of a first context; retention by budget in percent."""

    first_ms: float
    retention: dict[str, float]


class ContextReport(Struct, frozen=True, kw_only=True):
    """`first_ms`: the fastest of several conversations, as other work on the machine only adds;
    `later_ms`: the median; `resumed_ms`: the fastest first context from the state that was kept
    with the conversation. `strategy` is what was picked for them. `assembled_` are the same figures
    of `turn.context.assemble` in a handler, over SQLite; `memories_mb`: what the memories of
    100 users with 500 messages each take. `_restarted`: the first context in a new process that
    takes up what another kept. `_cpu_`: of the whole process meanwhile, medians."""

    messages: int
    strategy: str
    first_ms: float
    first_worst_ms: float
    resumed_ms: float
    later_ms: float
    later_p95_ms: float
    growth_mb: float
    assembled_first_ms: float
    assembled_first_worst_ms: float
    assembled_first_cpu_ms: float
    assembled_restarted_ms: float
    assembled_restarted_worst_ms: float
    assembled_restarted_cpu_ms: float
    assembled_later_best_ms: float
    assembled_later_ms: float
    assembled_later_p95_ms: float
    assembled_later_cpu_ms: float
    memories_mb: float
    conversations: int
    retention: dict[str, dict[str, float]]
    contradictions: int
    peers: dict[str, PeerReport]
    missing: dict[str, str]


def bench_context(data: Path | None = None, *, progress: bool = True) -> ContextReport:
    """Measures all of it. `data`: a file of conversations to judge; made-up ones otherwise.

    Raises InvalidInput if there is no conversation in the file.
    """
    with stages(enabled=progress) as stage:
        with stage("first and later contexts", RUNS) as bar:
            firsts, resumed, later, strategy = [], [], [], ""
            _timed(made_up(MESSAGES, seed=0))
            for run in range(1, RUNS + 1):
                times = _timed(made_up(MESSAGES + FURTHER, seed=run))
                firsts.append(times.first)
                resumed.append(times.resumed)
                later += times.later
                strategy = times.strategy
                bar(run)
        with stage("contexts of turns", 1) as bar:
            turns = measured_apart()
            bar(1)
        with stage("memory", 1) as bar:
            growth = _growth_apart()
            bar(1)
        talks = judged(data)
        with stage("retention", len(SHARES) + len(PEERS)) as bar:
            retention, contradictions = {}, 0
            for done, share in enumerate(SHARES, 1):
                retention[str(share)], wrong = _retention(talks, share)
                contradictions += wrong
                bar(done)
            peers, missing = {}, {}
            for done, name in enumerate(PEERS, len(SHARES) + 1):
                try:
                    peers[name] = _peer(name, talks)
                except ImportError as error:
                    missing[name] = str(error)
                bar(done)
    return ContextReport(
        messages=MESSAGES,
        strategy=strategy,
        first_ms=round(min(firsts), 2),
        first_worst_ms=round(max(firsts), 2),
        resumed_ms=round(min(resumed), 2),
        later_ms=round(statistics.median(later), 3),
        later_p95_ms=_p95(later),
        growth_mb=growth,
        assembled_first_ms=round(min(turns.first).ms, 2),
        assembled_first_worst_ms=round(max(turns.first).ms, 2),
        assembled_first_cpu_ms=_cpu(turns.first),
        assembled_restarted_ms=round(min(turns.restarted).ms, 2),
        assembled_restarted_worst_ms=round(max(turns.restarted).ms, 2),
        assembled_restarted_cpu_ms=_cpu(turns.restarted),
        assembled_later_best_ms=round(min(turns.later).ms, 3),
        assembled_later_ms=round(statistics.median(one.ms for one in turns.later), 3),
        assembled_later_p95_ms=_p95([one.ms for one in turns.later]),
        assembled_later_cpu_ms=_cpu(turns.later),
        memories_mb=turns.memories_mb,
        conversations=len(talks),
        retention=retention,
        contradictions=contradictions,
        peers=peers,
        missing=missing,
    )


def judged(data: Path | None) -> list[list[Line]]:
    if data is None:
        return [made_up(400, seed=100 + seed) for seed in range(MOST)]
    found = read_conversations(data)
    if not found:
        raise InvalidInput(f"there is no conversation in {data}", field="data")
    longest = sorted(found, key=len, reverse=True)
    return longest[:MOST]


def _cpu(costs: Sequence[Cost]) -> float:
    return round(statistics.median(one.cpu_ms for one in costs), 3)


def _p95(times: Sequence[float]) -> float:
    return round(sorted(times)[int(len(times) * 0.95)], 3)


class _Times(NamedTuple):
    """Milliseconds."""

    first: float
    resumed: float
    later: list[float]
    strategy: str


def _timed(lines: Sequence[Line]) -> _Times:
    talk = lines[:MESSAGES]
    begun = perf_counter()
    form = compress(talk, CONTEXT)
    first = (perf_counter() - begun) * 1000
    state = Rolling()
    for line in talk:
        state = advance(state, line, _COUNTER)
    stored = encode_rolling(state)
    # Texts are remembered once they were read; these are read for the first time.
    unread = [line._replace(text=f"{line.text} ({line.seq})") for line in talk[-TAIL:]]
    begun = perf_counter()
    compress(unread, CONTEXT, state=decode_rolling(stored))
    resumed = (perf_counter() - begun) * 1000
    later = []
    for place in range(MESSAGES, len(lines)):
        begun = perf_counter()
        state = advance(state, lines[place], _COUNTER)
        compress(lines[place - TAIL + 1 : place + 1], CONTEXT, state=state)
        later.append((perf_counter() - begun) * 1000)
    return _Times(first, resumed, later, form.strategy)


def growth_mb() -> float:
    """Megabytes that the contexts of many users add to this process."""
    _timed(made_up(MESSAGES, seed=0))
    gc.collect()
    before = resident()
    held = []
    for user in range(USERS):
        state = Rolling()
        lines = made_up(MESSAGES_EACH, seed=user)
        for line in lines:
            state = advance(state, line, _COUNTER)
        held.append((state, compress(lines[-TAIL:], CONTEXT, state=state)))
    gc.collect()
    return round((resident() - before) / MB, 1)


def _growth_apart() -> float:
    done = subprocess.run([sys.executable, "-m", __name__], check=True, stdout=subprocess.PIPE)
    return float(json.loads(done.stdout))


# -- how much survives ------------------------------------------------------------------------


def _retention(talks: Sequence[Sequence[Line]], share: int) -> tuple[dict[str, float], int]:
    """Mean score of each strategy and of truncation; contradictions of all strategies together."""
    scores: dict[str, list[float]] = {}
    wrong = 0
    for lines in talks:
        budget = _budget(lines, share)
        for strategy in STRATEGIES[1:]:
            options = Options(
                max_context=budget, strategy=strategy, strict=False, retention=1.0, min_score=0.0
            )
            form = compress(lines, options)
            found = validate(lines, form.kept, form.summary)
            scores.setdefault(strategy, []).append(found.score)
            wrong += len(found.contradictions)
        scores.setdefault("truncation", []).append(_score(lines, truncated(lines, budget)))
    return {name: round(statistics.fmean(found), 3) for name, found in scores.items()}, wrong


def _budget(lines: Sequence[Line], share: int) -> int:
    return max(1, sum(_COUNTER.count(line.text) for line in lines) * share // 100)


def _score(lines: Sequence[Line], form: Form) -> float:
    return validate(lines, *form).score


def truncated(lines: Sequence[Line], budget: int) -> Form:
    """The last lines that fit."""
    kept: list[Line] = []
    left = budget
    for line in reversed(lines):
        left -= _COUNTER.count(line.text)
        if left < 0:
            break
        kept.insert(0, line)
    return kept, ()


def _lexrank() -> Peer:
    """The most central sentences that fit, by LexRank over all of them."""
    from lexrank import STOPWORDS, LexRank

    def peer(lines: Sequence[Line], budget: int) -> Form:
        texts = [(line.seq, line.text) for line in lines if line.text.strip()]
        ranker = LexRank([[text for _, text in texts]], stopwords=STOPWORDS["en"])
        scores = ranker.rank_sentences([text for _, text in texts], threshold=None)
        chosen, left = [], budget
        for place in sorted(range(len(texts)), key=lambda place: -scores[place]):
            tokens = _COUNTER.count(texts[place][1])
            if tokens <= left:
                left -= tokens
                chosen.append(place)
        return (), [SummarySentence(texts[place][1], (texts[place][0],)) for place in chosen]

    return peer


def _langchain() -> Peer:
    """The last messages that fit, by `trim_messages`."""
    from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, trim_messages

    def count(messages: Sequence[BaseMessage]) -> int:
        return sum(_COUNTER.count(str(message.content)) for message in messages)

    def peer(lines: Sequence[Line], budget: int) -> Form:
        messages: list[BaseMessage] = [
            (HumanMessage if line.role == "visitor" else AIMessage)(line.text, id=str(line.seq))
            for line in lines
        ]
        kept = trim_messages(messages, max_tokens=budget, strategy="last", token_counter=count)
        seqs = {int(message.id or 0) for message in kept}
        return [line for line in lines if line.seq in seqs], ()

    return peer


_PEERS = {"lexrank": _lexrank, "langchain": _langchain}


def _peer(name: str, talks: Sequence[Sequence[Line]]) -> PeerReport:
    """Raises ImportError where the library is not installed."""
    peer = _PEERS[name]()
    lines = made_up(MESSAGES, seed=1)
    begun = perf_counter()
    peer(lines, CONTEXT.max_context)
    first = (perf_counter() - begun) * 1000
    retention = {
        str(share): round(
            statistics.fmean(_score(talk, peer(talk, _budget(talk, share))) for talk in talks), 3
        )
        for share in SHARES
    }
    return PeerReport(round(first, 2), retention)


def show_context(report: ContextReport) -> None:
    from rich.console import Console
    from rich.table import Table

    console = Console()
    console.print(
        f"{report.messages} messages, {report.strategy}: first context {report.first_ms} ms "
        f"({report.resumed_ms} from the state kept with it), each later {report.later_ms} ms "
        f"(p95 {report.later_p95_ms}); {USERS} users with {MESSAGES_EACH} messages: "
        f"{report.growth_mb} MB"
    )
    console.print(
        f"a turn's context: the first {report.assembled_first_ms} ms (CPU "
        f"{report.assembled_first_cpu_ms}), after a restart {report.assembled_restarted_ms} (CPU "
        f"{report.assembled_restarted_cpu_ms}), each later {report.assembled_later_ms} (best "
        f"{report.assembled_later_best_ms}, p95 {report.assembled_later_p95_ms}, CPU "
        f"{report.assembled_later_cpu_ms}); memories of these users: {report.memories_mb} MB"
    )
    table = Table("key facts kept at", *(f"{share} %" for share in SHARES), "first ms")
    for name in report.retention[str(SHARES[0])]:
        table.add_row(name, *(f"{report.retention[str(share)][name]:.3f}" for share in SHARES), "")
    for name, peer in report.peers.items():
        kept = (f"{peer.retention[str(share)]:.3f}" for share in SHARES)
        table.add_row(name, *kept, f"{peer.first_ms}")
    for name, reason in report.missing.items():
        table.add_row(name, f"not measured: {reason}")
    console.print(table)
    console.print(f"contradictions: {report.contradictions}")


if __name__ == "__main__":
    print(json.dumps(growth_mb()))
