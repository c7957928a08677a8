"""The history checker: was anything lost, doubled, reordered? Pure functions over two records.

One record is the client's own journal, fsynced before each send and after each receipt: it is the
truth, because nothing that the server does can change it. The other is the server's log after
everything has come to rest. What a client saw must follow from the log, and the log from what
clients sent. The definitions are those of engine decision 38; they stand at each rule below.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence

from msgspec import Struct

from .records import Log, Logged, Receipted, Received, Record, Refused, Sent

EXAMPLES = 10
"""Examples kept per kind of problem: enough to begin a search with."""

NEVER = float("inf")


class Verdict(Struct, kw_only=True):
    """Counts of what is wrong, with examples; the first four are the promises.

    `redelivered`, `dead_lettered` and `late` are legal and only counted.
    """

    lost: int = 0
    doubled: int = 0
    inverted: int = 0
    replies_doubled: int = 0
    effects_doubled: int = 0
    state_broken: int = 0
    timers_broken: int = 0
    unanswered: int = 0
    unasked: int = 0
    wrongly_refused: int = 0
    wrongly_accepted: int = 0
    replies_unlogged: int = 0
    log_broken: int = 0
    unfinished: int = 0
    redelivered: int = 0
    dead_lettered: int = 0
    late: int = 0
    examples: dict[str, list[str]] = {}

    @property
    def problems(self) -> dict[str, int]:
        """What must be zero and is not."""
        found = {name: getattr(self, name) for name in PROBLEMS}
        return {name: count for name, count in found.items() if count}

    def complain(self, problem: str, example: str) -> None:
        """Counts a problem and keeps the example while there are few."""
        setattr(self, problem, getattr(self, problem) + 1)
        examples = self.examples.setdefault(problem, [])
        if len(examples) < EXAMPLES:
            examples.append(example)


PROMISES = ("lost", "doubled", "inverted", "replies_doubled")
"""The four of engine decision 38."""
PROBLEMS = (
    *PROMISES,
    *("effects_doubled", "state_broken", "timers_broken", "unanswered", "unasked"),
    *("wrongly_refused", "wrongly_accepted", "replies_unlogged", "log_broken", "unfinished"),
)


def check(journal: Iterable[Record], log: Log) -> Verdict:
    """Judges a history. The log must be complete for the conversations of the journal."""
    verdict = Verdict()
    client = _Client(journal, verdict)
    server = _Server(log, verdict)
    verdict.dead_lettered = len(server.dead)
    _check_lost(client, server, verdict)
    _check_doubled(client, server, verdict)
    _check_order(client, server, verdict)
    _check_replies(client, server, verdict)
    _check_state(server, verdict)
    _check_timers(client, server, verdict)
    return verdict


class _Client:
    """The journal by message. Attempts that must be refused make no message."""

    def __init__(self, journal: Iterable[Record], verdict: Verdict) -> None:
        self.attempts: dict[int, Sent] = {}
        self.messages: dict[str, Sent] = {}
        """The first attempt of each message."""
        self.receipted: dict[str, int] = {}
        """Place of the first receipt."""
        self.received: list[Received] = []
        for record in journal:
            if type(record) is Sent:
                self.attempts[record.n] = record
                if not record.must_refuse:
                    self.messages.setdefault(record.message_id, record)
            elif type(record) is Receipted:
                self._receipt(record, verdict)
            elif type(record) is Refused:
                attempt = self.attempts[record.of]
                if not attempt.must_refuse:
                    verdict.complain("wrongly_refused", f"{attempt.message_id}: {record.code}")
            elif type(record) is Received:
                self.received.append(record)

    def _receipt(self, record: Receipted, verdict: Verdict) -> None:
        attempt = self.attempts[record.of]
        if attempt.must_refuse:
            # A reused id cannot be told while the database is away: its record lies in there.
            if record.status != "spooled" or attempt.message_id not in self.messages:
                verdict.complain("wrongly_accepted", f"{attempt.message_id}: {record.status}")
        elif record.message_id != attempt.message_id:
            # The client would never find its message again, and a repeat would be a second one.
            verdict.complain(
                "lost", f"{attempt.message_id}: the receipt calls it {record.message_id}"
            )
        else:
            self.receipted.setdefault(record.message_id, record.n)


class _Server:
    """The log by message and by conversation; complains about a log that is none."""

    def __init__(self, log: Log, verdict: Verdict) -> None:
        self.dead = {one.message_id for one in log.dead_letters if one.status != "retried"}
        self.retried = {one.message_id for one in log.dead_letters if one.status == "retried"}
        self.unfinished = set(log.unfinished)
        self.effects = log.effects
        self.conversations: dict[str, list[Logged]] = defaultdict(list)
        self.messages: dict[str, list[Logged]] = defaultdict(list)
        self.first: dict[str, Logged] = {}
        """The event of each message, the first if there are several."""
        self.replies: list[Logged] = []
        self.answered: set[str] = set()
        for event in log.events:
            self.conversations[event.conversation_id].append(event)
            if event.kind == "message" and event.message_id is not None:
                self.messages[event.message_id].append(event)
                self.first.setdefault(event.message_id, event)
            if event.reply_id is not None:
                self.replies.append(event)
            if event.about is not None:
                self.answered.add(event.about)
        for name, events in self.conversations.items():
            events.sort(key=lambda event: event.seq)
            _check_log(name, events, verdict)


def _check_log(name: str, events: list[Logged], verdict: Verdict) -> None:
    """A conversation's events count 1, 2, 3, … and their positions grow with them."""
    position = 0
    for expected, event in enumerate(events, 1):
        if event.seq != expected:
            verdict.complain("log_broken", f"{name}: event {event.seq} where {expected} belongs")
            return
        if event.position <= position:
            verdict.complain("log_broken", f"{name}: event {event.seq} has an earlier position")
            return
        position = event.position


def _check_lost(client: _Client, server: _Server, verdict: Verdict) -> None:
    """Lost: a receipt, but neither event nor dead letter. Unasked: an event nobody sent."""
    for message in client.receipted:
        if message in server.unfinished:
            continue
        if message not in server.messages and message not in server.dead:
            verdict.complain("lost", f"{message}: receipted, in no log")
    for message in server.unfinished:
        verdict.complain("unfinished", message)
    for message in server.messages:
        if message not in client.messages:
            verdict.complain("unasked", f"{message}: in the log, sent by nobody")


def _check_doubled(client: _Client, server: _Server, verdict: Verdict) -> None:
    """Doubled: two message events or two turns for one message; an effect that happened twice.

    A dead letter that was retried is a new turn by definition (engine decision 20).
    """
    turns: dict[str, set[str]] = defaultdict(set)
    for message, events in server.messages.items():
        if len(events) > 1:
            places = ", ".join(f"{event.conversation_id}/{event.seq}" for event in events)
            verdict.complain("doubled", f"{message}: events {places}")
        turns[message] |= {event.turn_id for event in events if event.turn_id is not None}
    for reply in server.replies:
        if reply.about is not None and reply.turn_id is not None:
            turns[reply.about].add(reply.turn_id)
    for message, found in turns.items():
        if len(found) > 1 and len(server.messages[message]) < 2 and message not in server.retried:
            verdict.complain("doubled", f"{message}: turns {', '.join(sorted(found))}")
    seen: set[str] = set()
    for effect in server.effects:
        if effect in seen:
            verdict.complain("effects_doubled", effect)
        seen.add(effect)


def _check_order(client: _Client, server: _Server, verdict: Verdict) -> None:
    """Inverted: the client had the receipt of `a` before it sent `b`, and `b` was committed first.

    Within one client stream the sequence number says the order instead, whoever came first, but a
    gap may time out: then the missing message comes after its place and is marked late. That is
    legal unless the client had its receipt before it sent the one that overtook it. Towards the
    rest of the conversation see `_places`. A retried dead letter is late by definition.
    """
    ready, place = _places(client)
    for events in server.conversations.values():
        latest: dict[str, float] = {}
        """The last place among the messages committed so far, by stream."""
        streams: dict[str, list[Sent]] = defaultdict(list)
        """What was committed so far, by stream."""
        for event in events:
            sent = client.messages.get(event.message_id or "")
            if sent is None or event is not server.first.get(sent.message_id):
                continue
            group = _group(sent)
            if event.late:
                verdict.late += 1
            if sent.message_id not in server.retried:
                others = (n for other, n in latest.items() if other != group or not group)
                if ready[sent.message_id] < max(others, default=-1):
                    verdict.complain(
                        "inverted", f"{sent.message_id}: a later one was committed before it"
                    )
                elif group and not _keeps_sequence(client, sent, event, streams[group]):
                    verdict.complain(
                        "inverted", f"{sent.message_id}: number {sent.sequence} was overtaken"
                    )
            latest[group] = max(latest.get(group, -1), place[sent.message_id])
            if group:
                streams[group].append(sent)


def _group(sent: Sent) -> str:
    """The stream whose numbers order the message; "" where the sending order counts."""
    return "" if sent.stream is None else f"={sent.stream}"


def _places(client: _Client) -> tuple[dict[str, float], dict[str, float]]:
    """When each message had to be in its place at the latest, and when it took it at the earliest.

    Without a stream that is its first receipt and its first sending. A message of a stream cannot
    be handled before those in front of it are there; and one that fills a gap comes before those
    that wait for it, which may stand further ahead in the conversation. So the first time is the
    latest receipt of the numbers up to its own, the second the earliest sending of those from it.
    """
    ready: dict[str, float] = {}
    place: dict[str, float] = {}
    streams: dict[tuple[str, str], list[Sent]] = defaultdict(list)
    for message, sent in client.messages.items():
        if sent.stream is None:
            ready[message] = client.receipted.get(message, NEVER)
            place[message] = sent.n
        else:
            streams[sent.conversation_id, sent.stream].append(sent)
    for members in streams.values():
        members.sort(key=lambda sent: sent.sequence or 0)
        latest: float = -1
        before: int | None = None
        for sent in members:
            number = sent.sequence or 0
            if before is not None and number > before + 1:
                latest = NEVER  # a number that was never sent: waits for a gap to time out
            latest = max(latest, client.receipted.get(sent.message_id, NEVER))
            ready[sent.message_id] = latest
            before = number
        earliest = NEVER
        for sent in reversed(members):
            earliest = min(earliest, sent.n)
            place[sent.message_id] = earliest
    return ready, place


def _keeps_sequence(client: _Client, sent: Sent, event: Logged, committed: Sequence[Sent]) -> bool:
    """Whether no higher number of the stream came first, or only by a gap that timed out."""
    number = sent.sequence or 0
    overtakers = [other.n for other in committed if (other.sequence or 0) > number]
    if not overtakers:
        return True
    return event.late and client.receipted.get(sent.message_id, NEVER) > max(overtakers)


def _check_replies(client: _Client, server: _Server, verdict: Verdict) -> None:
    """Replies doubled: two reply ids where the assistant gives one answer per turn.

    One id that arrives again is a redelivery, which is legal. A reply that reached a client must
    be in the log; a message in the log must have its answer.
    """
    by_turn: dict[str, set[str]] = defaultdict(set)
    by_message: dict[str, set[tuple[str, str | None]]] = defaultdict(set)
    logged: set[str] = set()
    for reply in server.replies:
        identity = reply.reply_id or ""
        if identity in logged:
            verdict.complain("replies_doubled", f"{identity}: logged twice")
        logged.add(identity)
        if reply.turn_id is not None:
            by_turn[reply.turn_id].add(identity)
        if reply.about is not None:
            by_message[reply.about].add((identity, reply.turn_id))
    for turn, replies in by_turn.items():
        if len(replies) > 1:
            verdict.complain("replies_doubled", f"turn {turn}: {', '.join(sorted(replies))}")
    for message, answers in by_message.items():
        turns = {turn for _, turn in answers}
        if len(answers) > 1 and len(turns) > 1:  # within one turn: counted above
            names = ", ".join(sorted(identity for identity, _ in answers))
            verdict.complain("replies_doubled", f"message {message}: {names}")
        if message not in server.messages:
            verdict.complain("log_broken", f"{message}: answered, but not in the log")
    for message in server.messages:
        sent = client.messages.get(message)
        if sent is None or message in server.dead or message in server.unfinished:
            continue
        if sent.answered and message not in server.answered:
            verdict.complain("unanswered", message)
    seen: set[tuple[str, str]] = set()
    for received in client.received:
        key = (received.via, received.reply_id)
        if key in seen:
            verdict.redelivered += 1
        elif received.reply_id not in logged:
            verdict.complain("replies_unlogged", f"{received.reply_id} by {received.via}")
        seen.add(key)


def _check_state(server: _Server, verdict: Verdict) -> None:
    """The counter in the conversation's state rises by one per reply: no turn's state is lost."""
    for name, events in server.conversations.items():
        expected = 1
        for event in events:
            if event.count is None:
                continue
            if event.count != expected:
                verdict.complain("state_broken", f"{name}: {event.count} where {expected} belongs")
                break
            expected += 1


def _check_timers(client: _Client, server: _Server, verdict: Verdict) -> None:
    """Each timer of an answered message fires once."""
    fired: Counter[str] = Counter()
    for events in server.conversations.values():
        fired.update(event.timer_of for event in events if event.timer_of is not None)
    for message, sent in client.messages.items():
        set_here = sent.timers if message in server.answered else 0
        if fired[message] != set_here:
            verdict.complain("timers_broken", f"{message}: {fired[message]} of {set_here} fired")
