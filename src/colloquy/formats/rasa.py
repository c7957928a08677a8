"""Format `rasa`: a Rasa project (training data, domain, stories and rules in YAML) as a pack.

Intents and their examples come over, annotated phrases and lookup tables as entities, responses as
the replies of the intents that stories and rules give them to. What packs do not have (forms,
slots, custom actions, patterns, …) is told line by line, nothing is dropped in silence.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from ..model.errors import ColloquyError, InvalidInput, NotFound, TooLarge
from ..understanding.pack import MAX_EXAMPLE, Pack, check_template, pack_from
from .yaml import LINE, load

MAX_FILES = 500
_ANNOTATION = re.compile(r"\[(?P<shown>[^\[\]]+)\](?:\((?P<label>[^()]+)\)|(?P<fields>\{[^{}]*\}))")
_ITEM = re.compile(r"^\s*[-*+]\s+", re.M)
_NOT_A_NAME = re.compile(r"[^A-Za-z0-9_]+")
_NOT_CARRIED = {
    "slots": "slots are filled in handlers",
    "forms": "forms are handlers with slots",
    "actions": "custom actions are handlers",
    "session_config": "sessions have settings of their own",
    "e2e_actions": "end-to-end actions have no counterpart",
}


class Remark(Struct, frozen=True):
    """Something that could not be carried over, and where it stands."""

    file: str
    line: int
    detail: str


def read_project(folder: Path) -> tuple[Pack, list[Remark]]:
    """The pack of a project, and what is not in it.

    Raises NotFound without such a folder; InvalidInput or TooLarge for a file that is no YAML or
    larger than training data are, and for a project without an intent.
    """
    if not folder.is_dir():
        raise NotFound(f"there is no folder {folder}")
    project = _Project()
    files = [
        file
        for file in sorted(folder.rglob("*"))
        if file.suffix in (".yml", ".yaml") and file.is_file() and not file.is_symlink()
    ]
    if len(files) > MAX_FILES:
        raise TooLarge(f"{len(files)} YAML files; a project may have {MAX_FILES}")
    trees = [(str(file.relative_to(folder)), load(file)) for file in files]
    for name, tree in trees:
        project.learn(name, tree)
    for part in ("rules", "stories"):  # a rule always holds, a story is one example of a talk
        for name, tree in trees:
            project.follow(name, _list(tree.get(part)))
    return project.pack(folder.resolve().name), project.remarks


class _Project:
    """What was found so far."""

    def __init__(self) -> None:
        self.remarks: list[Remark] = []
        self._language = "en"
        self._examples: dict[str, list[str]] = {}
        self._owner: dict[str, str] = {}
        self._replies: dict[str, list[str]] = {}
        self._responses: dict[str, list[str]] = {}
        self._entities: dict[str, dict[str, list[str]]] = {}
        self._phrases: dict[tuple[str, str], str] = {}
        self._synonyms: list[tuple[str, int, str, str]] = []

    def learn(self, file: str, tree: Mapping[str, Any]) -> None:
        """Training data and domain of one file."""
        language = tree.get("language")
        if isinstance(language, str) and re.fullmatch("[a-z]{2,3}", language):
            self._language = language
        for entry in _list(tree.get("nlu")):
            self._nlu(file, entry)
        for name, variants in _items(tree.get("responses")):
            self._response(file, name, _list(variants))
        for part, why in _NOT_CARRIED.items():
            for name in tree.get(part) or ():
                if name != LINE:
                    self._remark(file, tree, f"{part}: {_shown(name)}: {why}")

    def follow(self, file: str, talks: list[Any]) -> None:
        """Which responses stories or rules give to which intents."""
        for talk in talks:
            intent: str | None = None
            said: list[str] = []
            for step in _list(talk.get("steps")):
                if "intent" in step:
                    self._answer(file, talk, intent, said)
                    intent, said = str(step["intent"]), []
                elif str(step.get("action", "")).startswith("utter_"):
                    said.append(str(step["action"]))
                elif (what := next((key for key in step if key != LINE), None)) is not None:
                    self._remark(file, step, f"step {what}: {_shown(step[what])}: not carried over")
            self._answer(file, talk, intent, said)

    def pack(self, name: str) -> Pack:
        """Raises InvalidInput."""
        for file, line, phrase, value in self._synonyms:
            labels = [label for label, values in self._entities.items() if value in values]
            for label in labels:
                self._phrase(file, line, label, phrase, value)
            if not labels:
                detail = f"synonym {phrase!r} of {value!r}: no entity has that value"
                self.remarks.append(Remark(file, line, detail))
        if not self._examples:
            raise InvalidInput("there is no intent with examples in it", field="file")
        intents = {
            intent: {"examples": texts, "replies": self._replies.get(intent, [])}
            for intent, texts in self._examples.items()
        }
        return pack_from(
            {
                "name": name[:64] or "rasa",
                "language": self._language,
                "intents": intents,
                "entities": self._entities,
            }
        )

    # -- training data ------------------------------------------------------------------------

    def _nlu(self, file: str, entry: Mapping[str, Any]) -> None:
        examples = _examples(entry.get("examples"))
        if "intent" in entry:
            intent = self._name(file, entry, str(entry["intent"]))
            for text in examples:
                self._example(file, entry, intent, text)
        elif "synonym" in entry:
            value = str(entry["synonym"])
            self._synonyms += [(file, entry[LINE], phrase, value) for phrase in examples]
        elif "lookup" in entry:
            label = self._name(file, entry, str(entry["lookup"]))
            for phrase in examples:
                self._phrase(file, entry[LINE], label, phrase, phrase)
        else:
            kind = next((key for key in entry if key not in (LINE, "examples")), "entry")
            self._remark(file, entry, f"{kind} {_shown(entry.get(kind))}: packs have no such thing")

    def _example(self, file: str, entry: Mapping[str, Any], intent: str, text: str) -> None:
        def plain(match: re.Match[str]) -> str:
            label, value = match["label"], match["shown"]
            if match["fields"]:
                try:
                    fields = msgspec.json.decode(match["fields"], type=dict[str, str])
                except (msgspec.DecodeError, UnicodeError):
                    return match[0]
                label, value = fields.get("entity"), fields.get("value", value)
                for name in fields.keys() - {"entity", "value"}:
                    self._remark(file, entry, f"{name} of [{match['shown']}]: not carried over")
            elif ":" in label:
                label, _, value = label.partition(":")
            if label:
                name = self._name(file, entry, label)
                self._phrase(file, entry[LINE], name, match["shown"], value)
            return match["shown"]

        said = _ANNOTATION.sub(plain, text).strip()
        if not said or len(said) > MAX_EXAMPLE:
            self._remark(file, entry, f"example {_shown(said)}: {len(said)} characters")
            return
        owner = self._owner.setdefault(" ".join(said.casefold().split()), intent)
        if owner != intent:
            self._remark(file, entry, f"example {_shown(said)}: it is also one of {owner}")
            return
        texts = self._examples.setdefault(intent, [])
        if said not in texts:
            texts.append(said)

    def _phrase(self, file: str, line: int, label: str, phrase: str, value: str) -> None:
        phrase = phrase.strip()
        if not re.search(r"[^\W\d_]", phrase) or len(phrase) > MAX_EXAMPLE:
            detail = f"{label} {_shown(phrase)}: numbers are found without a list"
            self.remarks.append(Remark(file, line, detail))
            return
        owner = self._phrases.setdefault((label, " ".join(phrase.casefold().split())), value)
        if owner != value:
            detail = f"{label} {_shown(phrase)}: it already means {owner!r}, not {value!r}"
            self.remarks.append(Remark(file, line, detail))
            return
        phrases = self._entities.setdefault(label, {}).setdefault(value, [])
        if phrase not in phrases:
            phrases.append(phrase)

    # -- answers ------------------------------------------------------------------------------

    def _response(self, file: str, name: str, variants: list[Any]) -> None:
        for variant in variants:
            for key in variant.keys() - {"text", LINE}:
                self._remark(file, variant, f"{name}: {key}: not carried over")
            if not isinstance(variant.get("text"), str):
                continue
            try:
                check_template(variant["text"], name)
            except ColloquyError as error:
                self._remark(file, variant, f"{name}: {error.detail}")
            else:
                self._responses.setdefault(name, []).append(variant["text"])

    def _answer(
        self, file: str, talk: Mapping[str, Any], intent: str | None, said: list[str]
    ) -> None:
        if intent is None or not said:
            return
        name = self._name(file, talk, intent)
        found = [text for action in said[:1] for text in self._responses.get(action, [])]
        for action in said[1:]:
            self._remark(file, talk, f"{intent} → {action}: an intent has one reply")
        if not found:
            self._remark(file, talk, f"{intent} → {said[0]}: there is no such response with text")
        elif name not in self._examples:
            self._remark(file, talk, f"{intent} → {said[0]}: the intent has no examples")
        elif self._replies.setdefault(name, found) != found:
            self._remark(file, talk, f"{intent} → {said[0]}: another reply came before it")

    def _name(self, file: str, entry: Mapping[str, Any], name: str) -> str:
        """The name as packs want it: letters, digits and _."""
        fit = _NOT_A_NAME.sub("_", name)[:64]
        if not fit[:1].isalpha():
            fit = f"x{fit}"[:64]
        if fit != name:
            self._remark(file, entry, f"{name!r} is called {fit} here")
        return fit

    def _remark(self, file: str, entry: Mapping[str, Any], detail: str) -> None:
        remark = Remark(file, entry.get(LINE, 1), detail)
        if remark not in self.remarks[-20:]:  # a name that changes is told once per entry
            self.remarks.append(remark)


def _examples(value: Any) -> Iterator[str]:
    """The lines of a block of `- text`, or the texts of a list."""
    if isinstance(value, str):
        yield from (line.strip() for line in _ITEM.sub("\0", value).split("\0") if line.strip())
    elif isinstance(value, list):
        for one in value:
            text = one.get("text") if isinstance(one, dict) else one
            if isinstance(text, str):
                yield from _examples(text) if _ITEM.match(text) else iter((text,))


def _list(value: Any) -> list[Any]:
    """The mappings of a list; anything else is none."""
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def _items(value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        yield from ((str(key), one) for key, one in value.items() if key != LINE)


def _shown(value: Any) -> str:
    text = repr(value if not isinstance(value, dict) else [key for key in value if key != LINE])
    return text if len(text) <= 60 else text[:59] + "…"
