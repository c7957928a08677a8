"""Nodes of files put together into the tree of one pack, with the place of every value."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import msgspec
from msgspec import Struct

from ...model.errors import InvalidInput
from ..pack import Span
from .markup import unmarked
from .nodes import JsonRow, Node, at

_HEAD = ("name", "language", "region", "threshold", "margin", "multi_label")
_ITEM = re.compile(r"^\s*[-*+]\s+")
_RASA = ("intent", "synonym", "lookup", "regex")


class Place(Struct, frozen=True):
    """A line of a file; line 0 when only the pack is meant."""

    file: str
    line: int


class Builder:
    """What was read so far."""

    def __init__(self) -> None:
        self.places: dict[str, Place] = {}
        self.doubles: list[tuple[Place, str, str]] = []
        self._head: dict[str, Any] = {}
        self._examples: dict[str, list[str]] = {}
        self._replies: dict[str, list[str]] = {}
        self._outside: list[str] = []
        self._entities: dict[str, dict[str, list[str]]] = {}
        self._fuzzy: list[str] = []
        self._patterns: dict[str, list[str]] = {}
        self._annotations: dict[str, list[Span]] = {}
        self._rules: list[dict[str, Any]] = []
        self._synonyms: list[tuple[Place, str, str]] = []

    def head(self, file: str, tree: Node) -> None:
        """`pack.yml`: the settings of the pack."""
        for key, node in _items(file, tree):
            if key not in _HEAD:
                raise at(file, tree.keys[key], f"{key!r} is none of {', '.join(_HEAD)}")
            text = _text(file, node)
            self.places[key] = Place(file, tree.keys[key])
            if key in ("threshold", "margin"):
                try:
                    self._head[key] = float(text)
                except ValueError:
                    raise at(file, node.line, f"{key} is a number, not {text!r}") from None
            elif key == "multi_label":
                if text not in ("true", "false"):
                    raise at(file, node.line, f"multi_label is true or false, not {text!r}")
                self._head[key] = text == "true"
            else:
                self._head[key] = text

    def intents(self, file: str, tree: Node) -> None:
        """Examples by intent, in our own form or in Rasa's."""
        items = dict(_items(file, tree))
        if "nlu" in items:
            for entry in _list(file, items["nlu"]):
                self._rasa(file, entry)
            return
        for name, node in items.items():
            self.places.setdefault(f"intents.{name}", Place(file, tree.keys[name]))
            if isinstance(node.value, dict):
                for key, value in node.value.items():
                    if key == "examples":
                        self._learn(file, name, value)
                    elif key == "replies":
                        self._answer(file, name, value)
                    else:
                        raise at(file, node.keys[key], f"{key!r} is neither examples nor replies")
            else:
                self._learn(file, name, node)

    def row(self, place: Place, row: JsonRow) -> None:
        """A row of JSON Lines."""
        names = row.intents if row.intents is not None else [row.intent] if row.intent else []
        if not names and row.intents is None:
            raise at(place.file, place.line, "a row has an intent or intents")
        spans = []
        for one in row.entities:
            if not 0 <= one.start < one.end <= len(row.text):
                raise at(place.file, place.line, f"{one.start} to {one.end} is no span of the text")
            if one.text is not None and row.text[one.start : one.end] != one.text:
                raise at(
                    place.file, place.line,
                    f"{one.text!r} does not stand at {one.start}, but "
                    f"{row.text[one.start : one.end]!r}",
                )  # fmt: skip
            spans.append(Span(one.start, one.end, one.label, one.role, one.group, one.value))
        for name in names or ["out_of_scope"]:
            self._example(place, name, row.text, spans)

    def entities(self, file: str, tree: Node) -> None:
        """Phrases and patterns by label.

        A label has a list of phrases, or values with their phrases, or `values`, `patterns` and
        `fuzzy`.
        """
        for label, node in _items(file, tree):
            self.places.setdefault(f"entities.{label}", Place(file, tree.keys[label]))
            inner = node.value
            own = {"values", "patterns", "fuzzy"}
            if isinstance(inner, dict) and inner and set(inner) <= own:
                if "values" in inner:
                    self._values(file, label, inner["values"])
                for place, text in _texts(file, inner["patterns"]) if "patterns" in inner else ():
                    self._pattern(place, label, text)
                if "fuzzy" in inner:
                    fuzzy = _text(file, inner["fuzzy"])
                    if fuzzy not in ("true", "false"):
                        raise at(file, inner["fuzzy"].line, "fuzzy is true or false")
                    if fuzzy == "true":
                        self.places[f"fuzzy[{len(self._fuzzy)}]"] = Place(file, node.keys["fuzzy"])
                        self._fuzzy.append(label)
            else:
                self._values(file, label, node)

    def replies(self, file: str, tree: Node) -> None:
        """Templates by intent."""
        for name, node in _items(file, tree):
            self.places.setdefault(f"intents.{name}", Place(file, tree.keys[name]))
            self._answer(file, name, node)

    def emotions(self, file: str, tree: Node) -> None:
        """A list of rules."""
        if not tree.value:
            return
        if isinstance(tree.value, dict) and set(tree.value) == {"emotions"}:
            tree = tree.value["emotions"]
        for node in _list(file, tree):
            rule: dict[str, Any] = {}
            for key, value in _items(file, node):
                rule[key] = _text(file, value)
                if key not in ("pattern", "emotion", "confidence", "name"):
                    raise at(
                        file, node.keys[key],
                        f"{key!r} is none of pattern, emotion, confidence, name",
                    )  # fmt: skip
                if key == "confidence":
                    try:
                        rule[key] = float(rule[key])
                    except ValueError:
                        raise at(file, value.line, f"{rule[key]!r} is no number") from None
            if "pattern" not in rule or "emotion" not in rule:
                raise at(file, node.line, "a rule has a pattern and an emotion")
            self.places[f"emotions[{len(self._rules)}]"] = Place(file, node.line)
            self._rules.append(rule)

    def finish(self) -> dict[str, Any]:
        """The tree of the pack."""
        self._put_synonyms()
        intents: dict[str, Any] = {
            name: {"examples": texts} for name, texts in self._examples.items()
        }
        for name, texts in self._replies.items():
            intents.setdefault(name, {})["replies"] = texts
        annotations = {
            text: msgspec.to_builtins(spans) for text, spans in self._annotations.items() if spans
        }
        return self._head | {
            "intents": intents,
            "out_of_scope": self._outside,
            "entities": self._entities,
            "fuzzy": self._fuzzy,
            "patterns": self._patterns,
            "annotations": annotations,
            "emotions": self._rules,
        }

    # -- parts ------------------------------------------------------------------------------

    def _rasa(self, file: str, entry: Node) -> None:
        fields = dict(_items(file, entry))
        kind = next((key for key in _RASA if key in fields), None)
        if kind is None or "examples" not in fields:
            raise at(file, entry.line, f"an entry has examples and one of {', '.join(_RASA)}")
        name = _text(file, fields[kind])
        if kind == "intent":
            self.places.setdefault(f"intents.{name}", Place(file, entry.line))
            self._learn(file, name, fields["examples"])
            return
        for place, text in _texts(file, fields["examples"]):
            if kind == "synonym":
                self._synonyms.append((place, name, text))
            elif kind == "lookup":
                self._phrase(place, name, text, text)
            else:
                self._pattern(place, name, text)

    def _learn(self, file: str, name: str, node: Node) -> None:
        if name != "out_of_scope":
            self._examples.setdefault(name, [])
        for place, text in _texts(file, node):
            try:
                plain, spans = unmarked(text)
            except InvalidInput as error:
                raise at(place.file, place.line, error.detail) from None
            self._example(place, name, plain, spans)

    def _example(self, place: Place, name: str, text: str, spans: list[Span]) -> None:
        outside = name == "out_of_scope"
        texts = self._outside if outside else self._examples.setdefault(name, [])
        path = "out_of_scope" if outside else f"intents.{name}.examples"
        self.places.setdefault(path, place)
        if text in texts:
            self.doubles.append((place, text, name))
            return
        self.places[f"{path}[{len(texts)}]"] = place
        texts.append(text)
        if not spans:
            return
        before = self._annotations.setdefault(text, spans)
        if before != spans:
            raise at(place.file, place.line, f"{text!r} is marked in another way elsewhere")
        self.places.setdefault(f"annotations.{text}", place)

    def _answer(self, file: str, name: str, node: Node) -> None:
        texts = self._replies.setdefault(name, [])
        for place, text in _texts(file, node):
            self.places[f"intents.{name}.replies[{len(texts)}]"] = place
            texts.append(text)

    def _values(self, file: str, label: str, node: Node) -> None:
        if not isinstance(node.value, dict):
            for place, text in _texts(file, node):
                self._phrase(place, label, text, text)
            return
        for value, phrases in node.value.items():
            self.places.setdefault(f"entities.{label}.{value}", Place(file, node.keys[value]))
            self._entities.setdefault(label, {}).setdefault(value, [])
            for place, text in _texts(file, phrases):
                self._phrase(place, label, value, text)

    def _phrase(self, place: Place, label: str, value: str, phrase: str) -> None:
        phrases = self._entities.setdefault(label, {}).setdefault(value, [])
        if phrase in phrases:
            self.doubles.append((place, phrase, f"{label}: {value}"))
            return
        self.places[f"entities.{label}.{value}[{len(phrases)}]"] = place
        self.places.setdefault(f"entities.{label}", place)
        phrases.append(phrase)

    def _pattern(self, place: Place, label: str, text: str) -> None:
        patterns = self._patterns.setdefault(label, [])
        self.places[f"patterns.{label}[{len(patterns)}]"] = place
        patterns.append(text)

    def _put_synonyms(self) -> None:
        """A synonym is another phrase of its value, and the value of examples marked so."""
        meant = {phrase.casefold(): value for _, value, phrase in self._synonyms}
        labels: dict[str, set[str]] = {}
        for text, spans in self._annotations.items():
            whole = []
            for span in spans:
                shown = text[span.start : span.end]
                value = span.value or meant.get(shown.casefold())
                whole.append(msgspec.structs.replace(span, value=value))
                labels.setdefault((value or shown).casefold(), set()).add(span.label)
            self._annotations[text] = whole
        for label, values in self._entities.items():
            for value in values:
                labels.setdefault(value.casefold(), set()).add(label)
        for place, value, phrase in self._synonyms:
            for label in sorted(labels.get(value.casefold(), ())):
                self._phrase(place, label, value, phrase)


def _items(file: str, node: Node) -> Iterator[tuple[str, Node]]:
    if not isinstance(node.value, dict):
        raise at(file, node.line, "a mapping of names is expected here")
    yield from node.value.items()


def _list(file: str, node: Node) -> list[Node]:
    if not isinstance(node.value, list):
        raise at(file, node.line, "a list (lines with - before them) is expected here")
    return node.value


def _text(file: str, node: Node) -> str:
    if not isinstance(node.value, str):
        raise at(file, node.line, "a text is expected here")
    return node.value


def _texts(file: str, node: Node) -> Iterator[tuple[Place, str]]:
    """The texts of a list, or the lines of a block of `- text`, each with its place."""
    if isinstance(node.value, str):
        for number, line in enumerate(node.value.splitlines()):
            if line.strip():
                where = node.line + number + 1 if node.block else node.line
                yield Place(file, where), _ITEM.sub("", line).strip()
        return
    for one in _list(file, node):
        if isinstance(one.value, dict) and "text" in one.value:  # Rasa's long form
            yield Place(file, one.line), _ITEM.sub("", _text(file, one.value["text"])).strip()
        else:
            yield Place(file, one.line), _text(file, one)
