"""What a pool and its compute processes say to each other, and nothing that needs a model.

A frame is a 4-byte little-endian length and that many bytes of msgpack. The serving process needs
this alone: what understands is loaded where it runs, which saves a quarter of a second at a start.
"""

from __future__ import annotations

import struct
from pathlib import Path

import msgspec
from msgspec import Struct

from ..model.understanding import Cues

LENGTH = struct.Struct("<I")


class Item(Struct, array_like=True, frozen=True):
    """One text to understand.

    `at_us` is the message's clock in microseconds since 1970 (UTC), `time_zone` the IANA name of
    the sender's zone (None: UTC), `region` the default region of phones and dates ("US"). Without
    `feels` no emotion is read.
    """

    text: str
    at_us: int
    time_zone: str | None
    region: str | None = None
    feels: bool = True


class Understood(Struct, array_like=True, frozen=True):
    """One result: what the pipeline needs at once, and the rest as bytes.

    `raw` is the JSON of a `model.understanding.Understanding`; it goes into the event as it is.
    `micros` is the time spent on this item, its share of the batch's common work included.
    """

    intent: str | None
    confidence: float
    urgent: bool
    raw: bytes
    micros: int
    cues: Cues = Cues()


class Models(Struct, frozen=True):
    """The files that a process understands with; see `load_analyser`.

    `shadow_model` is another intent model that looks at `shadow_share` of the messages, with
    `shadow_pack` or the same pack; see `Shadow`. `extensions` are users' own, by the names to load
    them by (`extension.load_extensions`). `names` is the file that names are learned from while
    the process runs (`entities.names`).
    """

    pack: Path | None = None
    model: Path | None = None
    shadow_pack: Path | None = None
    shadow_model: Path | None = None
    shadow_share: float = 0.1
    extensions: tuple[str, ...] = ()
    names: Path | None = None

    def arguments(self) -> list[str]:
        """As options of the child's command line."""
        named = {
            "--pack": self.pack,
            "--model": self.model,
            "--shadow-pack": self.shadow_pack,
            "--shadow-model": self.shadow_model,
            "--names": self.names,
        }
        found = [part for name, path in named.items() if path for part in (name, str(path))]
        found += [part for path in self.extensions for part in ("--extension", path)]
        return [*found, "--shadow-share", str(self.shadow_share)]


class Answer(Struct, array_like=True, frozen=True):
    """What a child sends back for one batch."""

    busy_us: int
    counters: dict[str, int]
    results: list[Understood]
    errors: dict[str, str] = {}
    """The last failure of each part."""


class Hello(Struct, array_like=True, frozen=True):
    """The first frame of a child: which versions it runs, or why it cannot."""

    version: str
    error: str | None = None
    field: str | None = None


encode = msgspec.msgpack.Encoder().encode
decode_items = msgspec.msgpack.Decoder(list[Item]).decode
decode_answer = msgspec.msgpack.Decoder(Answer).decode
decode_hello = msgspec.msgpack.Decoder(Hello).decode


def encode_items(items: list[Item]) -> bytes:
    """The msgpack of a batch; lone surrogates, which have no UTF-8, become U+FFFD one for one."""
    try:
        return encode(items)
    except UnicodeEncodeError:
        return encode(
            [
                msgspec.structs.replace(
                    item,
                    text=item.text.encode("utf-16", "surrogatepass").decode("utf-16", "replace"),
                )
                for item in items
            ]
        )
