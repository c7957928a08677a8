"""An intent pack: the examples, replies and phrases that teach an assistant its subject.

A pack is a folder (see `packs/property`), one TOML or JSON file, or comes from examples given to
handlers in code; they merge. Reading is strict: an error names the field that is wrong, as a path,
and in a folder the file and the line.
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
import re2
from msgspec import Meta, Struct

from ..model.errors import InvalidInput
from .emotion.rules import EmotionRule, EmotionRules
from .evaluation.rows import EntityRow, IntentRow, SpanRow

MAX_PACK_BYTES = 16 * 1024 * 1024
MAX_EXAMPLE = 1_000
"""Characters of one example or phrase."""
DEFAULT_THRESHOLD = 0.75
"""Confidence below which no intent is claimed (decision 20)."""
DEFAULT_MARGIN = 0.10
"""Least lead of the best intent over the second, in probability (decision 20)."""

MAX_LEVELS = 4
"""Levels of an intent's name: "billing/refund" has two."""

_NAME = re.compile(r"^[A-Za-z][A-Za-z0-9_]{0,63}$")
_SLOT = re.compile(r"^[A-Za-z_][A-Za-z0-9_.]*$")
_PATH = re.compile(r"^(.*) - at `\$\.?(.*)`$", re.S)


class IntentExamples(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """One intent: how people say it, and (optionally) reply templates with `{slot}` in them."""

    examples: list[str] = []
    replies: list[str] = []


class Span(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """`text[start:end]` of an example is a `label`; see `model.understanding.Entity`."""

    start: int
    end: int
    label: str
    role: str | None = None
    group: str | None = None
    value: str | None = None


class Pack(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, kw_only=True):
    """Everything that is taught. `region` is the default of phones, dates and currency.

    `out_of_scope` holds texts that belong to no intent: they teach the classifier to say so.
    `entities` maps a label to phrases by value: `{"pet": {"dog": ["dog", "puppy"]}}`; labels in
    `fuzzy` forgive typing errors in them. `patterns` maps a label to regular expressions (RE2).
    `annotations` has the entities in examples, by the example's text. With `multi_label` a text may
    have several intents.
    """

    name: Annotated[str, Meta(min_length=1, max_length=64)]
    language: Annotated[str, Meta(pattern=r"^[a-z]{2,3}$")] = "en"
    region: Annotated[str, Meta(pattern=r"^[A-Z]{2}$")] | None = None
    threshold: Annotated[float, Meta(gt=0, lt=1)] = DEFAULT_THRESHOLD
    margin: Annotated[float, Meta(ge=0, lt=1)] = DEFAULT_MARGIN
    intents: dict[str, IntentExamples] = {}
    out_of_scope: list[str] = []
    entities: dict[str, dict[str, list[str]]] = {}
    fuzzy: list[str] = []
    patterns: dict[str, list[str]] = {}
    annotations: dict[str, list[Span]] = {}
    emotions: list[EmotionRule] = []
    multi_label: bool = False

    @property
    def version(self) -> str:
        """12 hex digits over everything that changes what is understood (so not the replies)."""
        return _digest(
            [
                self.training_data(),
                self.entities,
                self.region,
                self.threshold,
                self.margin,
                sorted(self.fuzzy),
                self.patterns,
                self.annotations,
                self.emotions,
                self.multi_label,
            ]
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

    def rows(self) -> list[IntentRow]:
        """Every text with its intent (or intents, with `multi_label`), once; `out_of_scope` last.

        A text outside every intent has the intent "out_of_scope" (or no intents).
        """
        wanted: dict[str, list[str]] = {}
        for name, intent in self.intents.items():
            for text in intent.examples:
                wanted.setdefault(text, []).append(name)
        if self.multi_label:
            rows = [IntentRow(text, intents=names) for text, names in wanted.items()]
            return rows + [IntentRow(text, intents=[]) for text in self.out_of_scope]
        rows = [IntentRow(text, intent=name) for text, names in wanted.items() for name in names]
        return rows + [IntentRow(text, intent="out_of_scope") for text in self.out_of_scope]

    def annotated(self) -> list[EntityRow]:
        """Texts with their entities, to train a tagger from.

        Without any annotation none. With some, examples without a mark are rows without entities:
        they teach what is no entity. Texts out of scope are left out.
        """
        if not self.annotations:
            return []
        rows: list[EntityRow] = []
        for row in self.rows():
            if row.intent == "out_of_scope" or row.intents == []:
                continue
            spans = [
                SpanRow(
                    start=span.start,
                    end=span.end,
                    label=span.label,
                    text=row.text[span.start : span.end],
                    role=span.role,
                    group=span.group,
                    value=span.value,
                )
                for span in self.annotations.get(row.text, ())
            ]
            intent = row.intent or (row.intents[0] if row.intents else None)
            rows.append(EntityRow(row.text, spans, intent=intent))
        return rows

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
        return checked(msgspec.structs.replace(self, intents=intents))

    def save(self, path: Path) -> None:
        """Writes the pack as JSON, which `load_pack` reads too (for compute processes)."""
        path.write_bytes(msgspec.json.encode(self))

    def toml(self) -> str:
        """The pack as a TOML file that people go on editing."""
        tree = msgspec.to_builtins(self)
        intents, entities = tree.pop("intents", {}), tree.pop("entities", {})
        patterns, rules = tree.pop("patterns", {}), tree.pop("emotions", [])
        annotations = tree.pop("annotations", {})
        lines = [f"{name} = {_toml(value)}" for name, value in tree.items()]
        for name, fields in intents.items():
            lines += ["", f"[intents.{name if _NAME.match(name) else _toml(name)}]"]
            lines += [f"{field} = {_toml(texts)}" for field, texts in fields.items()]
        for label, values in entities.items():
            lines += ["", f"[entities.{label}]"]
            lines += [f"{_toml(value)} = {_toml(phrases)}" for value, phrases in values.items()]
        if patterns:
            lines += ["", "[patterns]"]
            lines += [f"{label} = {_toml(found)}" for label, found in patterns.items()]
        for rule in rules:
            lines += ["", "[[emotions]]"]
            lines += [f"{name} = {_toml(value)}" for name, value in rule.items()]
        for text, spans in annotations.items():
            for span in spans:
                lines += ["", f"[[annotations.{_toml(text)}]]"]
                lines += [f"{name} = {_toml(value)}" for name, value in span.items()]
        return "\n".join(lines) + "\n"


def parse_pack(data: bytes, *, json: bool = False) -> Pack:
    """A pack out of TOML (or JSON) bytes. Raises InvalidInput with the field."""
    try:
        tree = msgspec.json.decode(data) if json else tomllib.loads(data.decode("utf-8"))
    except (UnicodeDecodeError, tomllib.TOMLDecodeError, msgspec.DecodeError) as error:
        raise InvalidInput(f"the pack cannot be read: {error}") from None
    return pack_from(tree)


def pack_from(tree: Any) -> Pack:
    """A pack out of plain values. Raises InvalidInput with the field."""
    return checked(converted(tree))


def converted(tree: Any) -> Pack:
    """A pack of the right types that is not `checked`. Raises InvalidInput with the field."""
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
    return pack


def pack_from_examples(examples: Mapping[str, Sequence[str]], *, name: str = "handlers") -> Pack:
    """A pack made only of examples given in code. Raises InvalidInput with the field."""
    return Pack(name=name).merge(examples)


def checked(pack: Pack) -> Pack:
    """The pack, if it is whole in all that types cannot say. Raises InvalidInput."""
    owner: dict[str, str] = {}
    for name, intent in pack.intents.items():
        field = f"intents.{name}"
        check_intent_name(name, field)
        # With several intents per text, only the same intent or out_of_scope can contradict.
        owners = {} if pack.multi_label else owner
        _check_texts(intent.examples, f"{field}.examples", owners, name)
        owner |= owners
        for index, template in enumerate(intent.replies):
            check_template(template, f"{field}.replies[{index}]")
    _check_texts(pack.out_of_scope, "out_of_scope", owner, "out_of_scope")
    for label, values in pack.entities.items():
        _check_label(label, f"entities.{label}")
        phrase_owner: dict[str, str] = {}
        for value, phrases in values.items():
            field = f"entities.{label}.{value}"
            if not phrases:
                raise InvalidInput("a value needs at least one phrase", field=field)
            _check_texts(phrases, field, phrase_owner, value)
    for index, label in enumerate(pack.fuzzy):
        if label not in pack.entities:
            raise InvalidInput(f"no entity {label!r} has phrases", field=f"fuzzy[{index}]")
    for label, patterns in pack.patterns.items():
        _check_label(label, f"patterns.{label}")
        for index, pattern in enumerate(patterns):
            check_pattern(pattern, f"patterns.{label}[{index}]")
    for text, spans in pack.annotations.items():
        _check_spans(text, spans)
    EmotionRules(pack.emotions, "emotions")
    return pack


def check_intent_name(name: str, field: str) -> None:
    """Parts like names of variables, with "/" between levels. Raises InvalidInput."""
    parts = name.split("/")
    if len(parts) > MAX_LEVELS or not all(_NAME.match(part) for part in parts):
        raise InvalidInput(
            "an intent's name has letters, digits and _ and starts with a letter; "
            f"up to {MAX_LEVELS} such parts with / between them",
            field=field,
        )


def check_pattern(pattern: str, field: str) -> None:
    """A regular expression of RE2 that matches something. Raises InvalidInput."""
    options = re2.Options()
    options.log_errors = False
    if len(pattern) > MAX_EXAMPLE:
        raise InvalidInput(f"{len(pattern)} characters; the limit is {MAX_EXAMPLE}", field=field)
    try:
        found = re2.compile(pattern, options)
    except re2.error as error:
        raise InvalidInput(f"{pattern!r} is no pattern: {error}", field=field) from None
    if found.search("") is not None:
        raise InvalidInput(f"{pattern!r} matches the empty text", field=field)


def _check_label(label: str, field: str) -> None:
    if not _NAME.match(label):
        raise InvalidInput(
            "a label has letters, digits and _ and starts with a letter", field=field
        )


def _check_spans(text: str, spans: Sequence[Span]) -> None:
    last = 0
    for index, span in enumerate(sorted(spans, key=lambda span: span.start)):
        field = f"annotations.{text}[{index}]"
        _check_label(span.label, field)
        if not last <= span.start < span.end <= len(text):
            raise InvalidInput(
                f"{span.start} to {span.end} is no span of the {len(text)} characters, "
                "or lies over another",
                field=field,
            )
        last = span.end


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
