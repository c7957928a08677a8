"""Format `whatsapp`: the text that phones make with "Export chat", in the forms of many locales.

    [24/12/21, 18:05:07] Ann Lee: Is the flat still free?          iOS
    12/24/21, 6:05 PM - Ann Lee: Is the flat still free?           Android

The form carries no zone, no message ids and, worst, no order of day and month. The file is read
twice: first to learn the order of dates and the names in it, then to make messages. What it leaves
open is asked for (`--date-order`), not guessed. A message's id is made of what it says and when, so
that a later, longer export of the same chat only adds what is new.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from hashlib import blake2b
from typing import Literal, NamedTuple
from zoneinfo import ZoneInfo

from msgspec import Struct

from ..model.errors import InvalidInput
from ..model.message import Data, Media, Message, Part, Sender
from .source import Item, Problem

CHANNEL = "whatsapp"
SYSTEM = "system"
MAX_MESSAGE = 1024 * 1024
"""Characters of one message with all its lines; a longer one is no chat."""
MAX_NAME = 100
MAX_PEOPLE = 5000
"""Different names in one file; a group has some thousand members at most."""

DateOrder = Literal["dmy", "mdy", "ymd"]

_MARKS = "\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff"
_MERIDIEM = (
    r"[AaPp][\s.]?\s?[Mm]\.?|πμ|μμ|π\.μ\.|μ\.μ\.|ص|م|午前|午後|上午|下午|오전|오후|de\. |du\. "
)
_LINE = re.compile(
    rf"[{_MARKS}]*\[?[{_MARKS}]*"
    r"(?P<first>\d{1,4})(?:[./\-‐]\s?|년 )(?P<second>\d{1,2})(?:[./\-‐]\s?|월 )"
    r"(?P<third>\d{1,4})(?:\.|일)?"
    r"[,،]?\s+(?:kl\. )?"
    rf"(?:(?P<before>{_MERIDIEM})\s?)?"
    r"(?P<hour>\d{1,2})[:.](?P<minute>\d{2})(?:[:.](?P<seconds>\d{2}))?"
    rf"(?:\s?(?P<after>{_MERIDIEM}))?"
    r"(?:\]\s?|\s[-–]\s|,\s)"
    rf"(?P<rest>[{_MARKS}]*.*)",
    re.DOTALL,
)
_LATE = re.compile(r"p|μμ|μ\.μ|م|午後|下午|오후|du", re.IGNORECASE)
_LEADING_MARKS = re.compile(rf"^[{_MARKS}\s]+")

_ATTACHED = re.compile(
    r"^<[^:：<>]{3,24}\s?[:：]\s?(?P<name>[^<>\n]{1,200}\.\w{2,5})>\s*(?P<rest>.*)$", re.S
)
_FILE = re.compile(
    r"^(?P<name>[^\n<>]{1,200}\.\w{2,5}) \((?:file attached|Datei angehängt|archivo adjunto|"
    r"fichier joint|arquivo anexado|ficheiro anexado|file allegato|bestand bijgevoegd|"
    r"файл добавлен|прикреплённый файл|dosya ekli|plik dołączony|ملف مرفق|添付ファイル|附件)\)"
    r"\s*(?P<rest>.*)$",
    re.S,
)
_OMITTED = re.compile(
    r"^(?:<(?:media omitted|medien ausgeschlossen|multimedia omitido|médias omis|mídia oculta|"
    r"ficheiro não revelado|media omessi|media weggelaten|без медиафайлов|файл пропущен|"
    r"medya dahil edilmedi|pominięto multimedia|تم استبعاد الوسائط|メディアは含まれていません|"
    r"省略多媒体文件|미디어 파일을 제외)>"
    r"|(?:image|video|audio|sticker|gif|document|contact card|bild|sprachnachricht|dokument|imagen|"
    r"vídeo|documento|imagem|figurinha|image absente|vidéo absente|immagine|foto|afbeelding|"
    r"изображение|видео|аудиофайл) (?:omitted|weggelassen|omitid[oa]|ocultad[oa]|absente?|"
    r"omess[oa]|weggelaten|отсутствует|пропущен[оа]?))\.?$",
    re.IGNORECASE,
)
_DELETED = re.compile(
    r"^(?:this message was deleted|you deleted this message|diese nachricht wurde gelöscht|"
    r"du hast diese nachricht gelöscht|(?:se )?eliminó este mensaje|eliminaste este mensaje|"
    r"ce message a été supprimé|vous avez supprimé ce message|(?:esta )?mensagem apagada|"
    r"essa mensagem foi apagada|questo messaggio è stato eliminato|"
    r"dit bericht (?:is|werd) verwijderd|данное сообщение удалено)\.?$",
    re.IGNORECASE,
)
_EDITED = re.compile(
    rf"[{_MARKS}\s]*<(?:this message was edited|diese nachricht wurde bearbeitet|"
    r"se editó este mensaje\.?|ce message a été modifié|mensagem editada|"
    r"questo messaggio è stato modificato|dit bericht is bewerkt)>\s*$",
    re.IGNORECASE,
)
_MIMES = {
    "jpg": "image/jpeg", "jpeg": "image/jpeg", "png": "image/png", "webp": "image/webp",
    "gif": "image/gif", "mp4": "video/mp4", "3gp": "video/3gpp", "opus": "audio/ogg",
    "ogg": "audio/ogg", "mp3": "audio/mpeg", "m4a": "audio/mp4", "pdf": "application/pdf",
    "vcf": "text/vcard",
}  # fmt: skip


class Options(Struct, frozen=True, kw_only=True):
    """What the file does not say. `conversation` names a group's chat, or one without `me`."""

    time_zone: str = "UTC"
    date_order: DateOrder | None = None
    me: str | None = None
    conversation: str | None = None


class Learnt(Struct, kw_only=True):
    """What the first reading found. `order_sure`: a date proves it; else the times suggest it."""

    order: DateOrder
    order_sure: bool
    names: dict[str, int]
    lines: int
    messages: int


class _Entry(NamedTuple):
    """One entry of the file: its first line's number, its parts, its text with all lines."""

    line: int
    numbers: tuple[int, int, int]
    hour: int
    minute: int
    second: int
    rest: str


def learn(lines: Iterable[str], options: Options) -> Learnt:
    """Reads the whole file once. Raises InvalidInput when it is no such file, or when neither its
    dates nor the order of its times say which number is the day."""
    orders: dict[DateOrder, bool] = {"dmy": True, "mdy": True, "ymd": True}
    falls: Counter[str] = Counter()
    last: dict[str, tuple[int, ...]] = {}
    names = _Names()
    line_count = messages = 0
    for entry in _entries(_counted(lines)):
        if isinstance(entry, Problem):
            continue
        messages += 1
        line_count = entry.line
        for order in ("dmy", "mdy", "ymd"):
            day = _day(entry.numbers, order)
            if day is None:
                orders[order] = False
                continue
            key = (*day, entry.hour, entry.minute, entry.second)
            falls[order] += key < last.get(order, key)
            last[order] = key
        names.add(entry.rest)
    if not messages:
        raise InvalidInput("no line of it begins like a WhatsApp message", field="file")
    order, sure = _order_of(orders, falls, options)
    return Learnt(
        order=order, order_sure=sure, names=names.names(), lines=line_count, messages=messages
    )


def read(lines: Iterable[str], learnt: Learnt, options: Options) -> Iterator[Item | Problem]:
    """The messages in the order of the file. A line that belongs to none is a Problem."""
    zone = ZoneInfo(options.time_zone)
    key = conversation_of(learnt, options)
    last: datetime | None = None
    seen: Counter[bytes] = Counter()
    for entry in _entries(_counted(lines)):
        if isinstance(entry, Problem):
            yield entry
            continue
        day = _day(entry.numbers, learnt.order)
        try:
            at = _at(day, entry, zone, last)
        except ValueError:
            yield Problem(entry.line, "invalid_input", "there is no such date or time")
            continue
        if at != last:
            seen.clear()
        last = at
        sender, text = _sender_of(entry.rest, learnt.names, options)
        digest = blake2b(
            "\0".join((key, at.isoformat(), sender.id, text)).encode("utf-8", "surrogatepass"),
            digest_size=12,
        )
        seen[digest.digest()] += 1
        number = seen[digest.digest()]
        body, parts, metadata = _content(text)
        yield Item(
            entry.line,
            Message(
                conversation=key,
                channel=CHANNEL,
                thread="group" if _is_group(learnt) else "",
                id=f"wa-{digest.hexdigest()}-{number}",
                sender=sender,
                text=body,
                parts=parts,
                sent_at=at.astimezone(UTC),
                time_zone=options.time_zone,
                metadata=metadata,
            ),
        )


# -- lines ------------------------------------------------------------------------------------


def looks_like(line: str) -> bool:
    """Whether a line begins as a message of such a file does."""
    return _LINE.match(line) is not None


def _counted(lines: Iterable[str]) -> Iterator[tuple[int, str]]:
    return enumerate(lines, 1)


def _entries(lines: Iterator[tuple[int, str]]) -> Iterator[_Entry | Problem]:
    """Lines put together: what does not begin with a date goes on with the message before."""
    begun: _Entry | None = None
    more: list[str] = []
    size = 0
    for number, raw in lines:
        line = raw.rstrip("\r\n")
        match = _LINE.match(line)
        if match is None:
            if begun is None:
                if line.strip():
                    yield Problem(number, "invalid_input", "it belongs to no message")
                continue
            size += len(line) + 1
            if size > MAX_MESSAGE:
                yield Problem(
                    begun.line, "too_large", f"a message of over {MAX_MESSAGE} characters"
                )
                begun, more = None, []
                continue
            more.append(line)
            continue
        if begun is not None:
            yield _whole(begun, more)
        begun, more, size = _begun(number, match), [], len(line)
    if begun is not None:
        yield _whole(begun, more)


def _begun(number: int, match: re.Match[str]) -> _Entry:
    hour = int(match["hour"])
    half = match["before"] or match["after"]
    if half is not None:
        hour = hour % 12 + (12 if _LATE.search(half) else 0)
    numbers = int(match["first"]), int(match["second"]), int(match["third"])
    if len(match["first"]) == 4:
        numbers = (numbers[0] + 10_000, numbers[1], numbers[2])  # a year, whatever it looks like
    return _Entry(
        number, numbers, hour, int(match["minute"]), int(match["seconds"] or 0), match["rest"]
    )


def _whole(entry: _Entry, more: list[str]) -> _Entry:
    return entry._replace(rest="\n".join([entry.rest, *more])) if more else entry


# -- dates ------------------------------------------------------------------------------------


def _day(numbers: tuple[int, int, int], order: str) -> tuple[int, int, int] | None:
    """(year, month, day), or None when the numbers cannot be in this order."""
    first, second, third = numbers
    if first > 10_000:
        if order != "ymd":
            return None
        year, month, day = first - 10_000, second, third
    elif order == "ymd":
        return None  # years of two digits stand last
    else:
        year = third + 2000 if third < 100 else third
        day, month = (first, second) if order == "dmy" else (second, first)
    return (year, month, day) if 1 <= month <= 12 and 1 <= day <= 31 else None


def _order_of(
    possible: dict[DateOrder, bool], falls: Counter[str], options: Options
) -> tuple[DateOrder, bool]:
    left: list[DateOrder] = [order for order, is_possible in possible.items() if is_possible]
    if options.date_order is not None:
        if options.date_order not in left:
            raise InvalidInput(
                f"its dates are not in the order {options.date_order}", field="date_order"
            )
        return options.date_order, True
    if len(left) == 1:
        return left[0], True
    if not left:
        raise InvalidInput("its dates are not all in one order of day and month", field="file")
    calm = [order for order in left if not falls[order]]
    if len(calm) == 1 and all(falls[order] for order in left if order not in calm):
        return calm[0], False
    raise InvalidInput(
        "nothing in it says whether the day or the month comes first; give --date-order dmy or mdy",
        field="date_order",
    )


def _at(
    day: tuple[int, int, int] | None, entry: _Entry, zone: ZoneInfo, last: datetime | None
) -> datetime:
    """The time with its zone. The hour that a change of clocks brings twice is the second one once
    the first would go back in time. Raises ValueError."""
    if day is None:
        raise ValueError
    at = datetime(*day, entry.hour, entry.minute, entry.second, tzinfo=zone)
    again = at.replace(fold=1)
    if last is not None and again.utcoffset() != at.utcoffset():
        early, before = at.astimezone(UTC), last.astimezone(UTC)
        if early < before <= again.astimezone(UTC):
            return again
    return at


# -- people -----------------------------------------------------------------------------------


def _prefixes(rest: str) -> list[str]:
    """What may be the name in front of a text: all up to the first, second, third colon."""
    head = _LEADING_MARKS.sub("", rest[: MAX_NAME + 2]).partition("\n")[0]
    found: list[str] = []
    place = -1
    while len(found) < 3 and (place := head.find(":", place + 1)) > 0:
        if place + 1 == len(head) or head[place + 1] in " \u200e\u200f\u202f":
            found.append(head[:place].strip())
    return found


class _Names:
    """Learns who takes part. A name with a colon in it always comes whole: of what stands before
    the first colon, the longest continuation that every line shares is the name."""

    def __init__(self) -> None:
        self._found: dict[str, tuple[int, list[str]]] = {}

    def add(self, rest: str) -> None:
        prefixes = _prefixes(rest)
        if not prefixes:
            return
        count, shared = self._found.get(prefixes[0], (0, prefixes))
        if count or len(self._found) < MAX_PEOPLE:
            kept = [prefix for prefix in shared if prefix in prefixes]
            self._found[prefixes[0]] = count + 1, kept

    def names(self) -> dict[str, int]:
        """Name → number of messages."""
        names = {
            shared[-1] if count > 1 else first: count
            for first, (count, shared) in self._found.items()
        }
        # 'Ann changed the subject to "rent: paid"' is no name, it only begins with one.
        return {
            name: count
            for name, count in names.items()
            if count > 1 or not any(name.startswith(f"{other} ") for other in names)
        }


def _sender_of(rest: str, names: dict[str, int], options: Options) -> tuple[Sender, str]:
    """Who wrote it, and the text. A line without a name is the program's own."""
    known = [prefix for prefix in _prefixes(rest) if prefix in names]
    if not known:
        return Sender(SYSTEM, "system"), _LEADING_MARKS.sub("", rest)
    name = max(known, key=len)
    text = rest[rest.index(":", rest.index(name) + len(name)) + 1 :]
    kind: Literal["person", "assistant"] = "person"
    identity = name
    if options.me is not None and name == options.me:
        kind, identity = "assistant", "assistant"
    return Sender(identity, kind, name), text[1:] if text[:1] == " " else text


def _is_group(learnt: Learnt) -> bool:
    return len(learnt.names) > 2


def conversation_of(learnt: Learnt, options: Options) -> str:
    """The key: the other one of two, else what the options say. Raises InvalidInput."""
    if options.me is not None and options.me not in learnt.names:
        known = ", ".join(sorted(learnt.names)[:10])
        raise InvalidInput(f"nobody in it is called {options.me!r}; it has {known}", field="me")
    others = [name for name in learnt.names if name != options.me]
    if options.conversation is not None:
        return options.conversation
    if len(others) == 1:
        return others[0]
    raise InvalidInput(
        "whose conversation is it? Give --me NAME (our side of two) or --conversation KEY",
        field="conversation",
    )


# -- what was said ----------------------------------------------------------------------------


def _content(text: str) -> tuple[str | None, list[Part], dict[str, object]]:
    """Text, parts and metadata of a message: attachments by name, what was left out as data."""
    metadata: dict[str, object] = {}
    bare = _LEADING_MARKS.sub("", text)
    if _EDITED.search(bare):
        metadata["edited"] = True
        bare = _EDITED.sub("", bare)
        text = bare
    match = _ATTACHED.match(bare) or _FILE.match(bare)
    if match is not None:
        name = match["name"].strip()
        mime = _MIMES.get(name.rpartition(".")[2].lower(), "application/octet-stream")
        caption = match["rest"].strip() or None
        return None, [Media(f"whatsapp:{name}", mime=mime, name=name, caption=caption)], metadata
    if _OMITTED.match(bare.strip()):
        return None, [Data("media_omitted", {"as_written": bare.strip()})], metadata
    if _DELETED.match(bare.strip()):
        metadata["deleted"] = True
    return text, [], metadata
