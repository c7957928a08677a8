"""An intent pack: the examples, replies and phrases that teach an assistant its subject.

A pack is one TOML file (see `packs/property.toml`), or comes from examples given to handlers in
code; both merge. Reading is strict: an error names the field that is wrong, as a path.
"""

from __future__ import annotations

import re
import string
import tomllib
from collections.abc import Mapping, Sequence
from hashlib import blake2b
from pathlib import Path
from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct

from ..model.errors import InvalidInput, NotFound

MAX_PACK_BYTES = 16 * 1024 * 1024
MAX_EXAMPLE = 1_000
"""Characters of one example or phrase."""
DEFAULT_THRESHOLD = 0.75
"""Confidence below which no intent is claimed (decision 20)."""
DEFAULT_MARGIN = 0.10
"""Least lead of the best intent over the second, in probability (decision 20)."""

_NAME = re.compile(r"^[A-Za-z][A-Za-z0-9_]{0,63}$")
_SLOT = re.compile(r"^[A-Za-z_][A-Za-z0-9_.]*$")
_PATH = re.compile(r"^(.*) - at `\$\.?(.*)`$", re.S)


class IntentExamples(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """One intent: how people say it, and (optionally) reply templates with `{slot}` in them."""

    examples: list[str] = []
    replies: list[str] = []


class Pack(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, kw_only=True):
    """Everything that is taught. `region` is the default of phones, dates and currency.

    `out_of_scope` holds texts that belong to no intent: they teach the classifier to say so.
    `entities` maps a label to phrases by value: `{"pet": {"dog": ["dog", "puppy"]}}`.
    """

    name: Annotated[str, Meta(min_length=1, max_length=64)]
    language: Annotated[str, Meta(pattern=r"^[a-z]{2,3}$")] = "en"
    region: Annotated[str, Meta(pattern=r"^[A-Z]{2}$")] | None = None
    threshold: Annotated[float, Meta(gt=0, lt=1)] = DEFAULT_THRESHOLD
    margin: Annotated[float, Meta(ge=0, lt=1)] = DEFAULT_MARGIN
    intents: dict[str, IntentExamples] = {}
    out_of_scope: list[str] = []
    entities: dict[str, dict[str, list[str]]] = {}

    @property
    def version(self) -> str:
        """12 hex digits over everything that changes what is understood (so not the replies)."""
        return _digest(
            [self.training_data(), self.entities, self.region, self.threshold, self.margin]
        )

    def training_data(self) -> list[Any]:
        """What the classifier is trained on, in an order of its own, not the file's."""
        intents = {name: sorted(intent.examples) for name, intent in sorted(self.intents.items())}
        return [self.language, intents, sorted(self.out_of_scope)]

    @property
    def trainable(self) -> bool:
        """Is there anything to tell apart?"""
        kinds = sum(bool(intent.examples) for intent in self.intents.values())
        return kinds > 0

    def replies(self, intent: str) -> Sequence[str]:
        """The reply templates of an intent, none when there are none."""
        found = self.intents.get(intent)
        return found.replies if found is not None else ()

    def merge(self, examples: Mapping[str, Sequence[str]]) -> Pack:
        """This pack plus examples brought by handlers. Raises InvalidInput as `load_pack` does."""
        intents = dict(self.intents)
        for name, texts in examples.items():
            known = intents.get(name, IntentExamples())
            added = [text for text in dict.fromkeys(texts) if text not in known.examples]
            intents[name] = IntentExamples([*known.examples, *added], known.replies)
        return _checked(msgspec.structs.replace(self, intents=intents))

    def save(self, path: Path) -> None:
        """Writes the pack as JSON, which `load_pack` reads too (for compute processes)."""
        path.write_bytes(msgspec.json.encode(self))

    def toml(self) -> str:
        """The pack as a TOML file that people go on editing."""
        tree = msgspec.to_builtins(self)
        intents, entities = tree.pop("intents", {}), tree.pop("entities", {})
        lines = [f"{name} = {_toml(value)}" for name, value in tree.items()]
        for name, fields in intents.items():
            lines += ["", f"[intents.{name}]"]
            lines += [f"{field} = {_toml(texts)}" for field, texts in fields.items()]
        for label, values in entities.items():
            lines += ["", f"[entities.{label}]"]
            lines += [f"{_toml(value)} = {_toml(phrases)}" for value, phrases in values.items()]
        return "\n".join(lines) + "\n"


def load_pack(path: Path) -> Pack:
    """A pack out of a `.toml` or `.json` file. Raises NotFound, or InvalidInput with the field."""
    try:
        size = path.stat().st_size
        if size > MAX_PACK_BYTES:
            raise InvalidInput(f"{path} has {size} bytes; a pack may have {MAX_PACK_BYTES}")
        data = path.read_bytes()
    except FileNotFoundError:
        raise NotFound(f"there is no pack at {path}") from None
    return parse_pack(data, json=path.suffix == ".json")


def parse_pack(data: bytes, *, json: bool = False) -> Pack:
    """A pack out of TOML (or JSON) bytes. Raises InvalidInput with the field."""
    try:
        tree = msgspec.json.decode(data) if json else tomllib.loads(data.decode("utf-8"))
    except (UnicodeDecodeError, tomllib.TOMLDecodeError, msgspec.DecodeError) as error:
        raise InvalidInput(f"the pack cannot be read: {error}") from None
    return pack_from(tree)


def pack_from(tree: Any) -> Pack:
    """A pack out of plain values. Raises InvalidInput with the field."""
    if isinstance(tree, dict) and isinstance(tree.get("entities"), dict):
        # A plain list of phrases is short for "each phrase is its own value".
        tree = tree | {
            "entities": {
                label: {phrase: [phrase] for phrase in phrases}
                if isinstance(phrases, list) and all(isinstance(p, str) for p in phrases)
                else phrases
                for label, phrases in tree["entities"].items()
            }
        }
    try:
        pack = msgspec.convert(tree, Pack)
    except msgspec.ValidationError as error:
        match = _PATH.match(str(error))
        if match:
            raise InvalidInput(match[1], field=match[2] or None) from None
        raise InvalidInput(str(error)) from None
    return _checked(pack)


def pack_from_examples(examples: Mapping[str, Sequence[str]], *, name: str = "handlers") -> Pack:
    """A pack made only of examples given in code. Raises InvalidInput with the field."""
    return Pack(name=name).merge(examples)


def _checked(pack: Pack) -> Pack:
    """What types cannot say."""
    owner: dict[str, str] = {}
    for name, intent in pack.intents.items():
        field = f"intents.{name}"
        if not _NAME.match(name):
            raise InvalidInput(
                "an intent's name has letters, digits and _ and starts with a letter", field=field
            )
        _check_texts(intent.examples, f"{field}.examples", owner, name)
        for index, template in enumerate(intent.replies):
            check_template(template, f"{field}.replies[{index}]")
    _check_texts(pack.out_of_scope, "out_of_scope", owner, "out_of_scope")
    for label, values in pack.entities.items():
        if not _NAME.match(label):
            raise InvalidInput(
                "a label has letters, digits and _ and starts with a letter",
                field=f"entities.{label}",
            )
        phrase_owner: dict[str, str] = {}
        for value, phrases in values.items():
            field = f"entities.{label}.{value}"
            if not phrases:
                raise InvalidInput("a value needs at least one phrase", field=field)
            _check_texts(phrases, field, phrase_owner, value)
    return pack


def _check_texts(texts: Sequence[str], field: str, owner: dict[str, str], name: str) -> None:
    """Each text is usable, and belongs to one owner only (`owner` collects them)."""
    for index, text in enumerate(texts):
        where = f"{field}[{index}]"
        if not text.strip():
            raise InvalidInput("a text must not be empty", field=where)
        if len(text) > MAX_EXAMPLE:
            raise InvalidInput(f"{len(text)} characters; the limit is {MAX_EXAMPLE}", field=where)
        key = " ".join(text.casefold().split())
        other = owner.setdefault(key, name)
        if other != name:
            raise InvalidInput(f"{text!r} is also given for {other!r}", field=where)


def check_template(template: str, field: str) -> None:
    """`{slot}` with a plain name, `{{` for a brace; no indexes, conversions or formats.

    Raises InvalidInput.
    """
    if not template.strip():
        raise InvalidInput("a reply must not be empty", field=field)
    try:
        parts = list(string.Formatter().parse(template))
    except ValueError as error:
        raise InvalidInput(f"the template is not well formed: {error}", field=field) from None
    for _, slot, form, conversion in parts:
        if slot is not None and (not _SLOT.match(slot) or form or conversion):
            raise InvalidInput(f"{{{slot}}} must be a plain name such as {{date}}", field=field)


def _toml(value: Any) -> str:
    """A string, number or list of strings. TOML writes them as JSON does, but for DEL."""
    if isinstance(value, list):
        return "[\n" + "".join(f"    {_toml(one)},\n" for one in value) + "]"
    return msgspec.json.encode(value).decode().replace("\x7f", "\\u007f")


def _digest(value: Any) -> str:
    return blake2b(msgspec.json.encode(value, order="sorted"), digest_size=6).hexdigest()
