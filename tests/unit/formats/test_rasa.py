"""A Rasa project as a pack, and everything in it that packs do not have."""

from __future__ import annotations

from pathlib import Path

import pytest

from colloquy.formats import rasa
from colloquy.model.errors import InvalidInput, NotFound, TooLarge
from colloquy.understanding.pack import parse_pack

NLU = """\
version: "3.1"
nlu:
- intent: find_home
  examples: |
    - a flat in [Berlin](city)
    - a house in [the capital]{"entity": "city", "value": "Berlin", "role": "to"}
    - for [2](rooms) people
- intent: faq/pets
  examples:
  - text: may I bring my dog
  - text: a flat in Berlin
- synonym: Berlin
  examples: |
    - big B
- synonym: Atlantis
  examples: |
    - the sunken one
- lookup: pet
  examples: |
    - dog
    - cat
- regex: zip
  examples: |
    - \\d{5}
"""
DOMAIN = """\
intents: [find_home]
slots:
  city: {type: text}
responses:
  utter_homes:
  - text: "Homes in {city}."
    buttons: [{title: More, payload: /more}]
  - text: "Look {here!r}"
  utter_pets:
  - text: Dogs are welcome.
"""
STORIES = """\
stories:
- story: homes
  steps:
  - intent: find_home
  - action: utter_homes
  - action: action_search
  - intent: faq/pets
  - action: utter_nothing
rules:
- rule: pets
  steps:
  - intent: faq/pets
  - action: utter_pets
"""


def project(folder: Path, **files: str) -> Path:
    for name, text in files.items():
        (folder / f"{name}.yml").write_text(text)
    return folder


def test_a_project_becomes_a_pack_and_a_report(tmp_path: Path) -> None:
    folder = project(tmp_path, nlu=NLU, domain=DOMAIN, stories=STORIES, config="language: de\n")
    pack, remarks = rasa.read_project(folder)
    assert pack.language == "de"
    assert pack.intents["find_home"].examples == [
        "a flat in Berlin",
        "a house in the capital",
        "for 2 people",
    ]
    assert pack.intents["find_home"].replies == ["Homes in {city}."]
    assert pack.intents["faq_pets"].examples == ["may I bring my dog"]
    assert pack.intents["faq_pets"].replies == ["Dogs are welcome."]
    assert pack.entities == {
        "city": {"Berlin": ["Berlin", "the capital", "big B"]},
        "pet": {"dog": ["dog"], "cat": ["cat"]},
    }
    assert parse_pack(pack.toml().encode()) == pack
    told = [f"{one.file}:{one.line}: {one.detail}" for one in remarks]
    for expected in (
        "nlu.yml:3: role of [the capital]: not carried over",
        "nlu.yml:3: rooms '2': numbers are found without a list",
        "nlu.yml:8: 'faq/pets' is called faq_pets here",
        "nlu.yml:8: example 'a flat in Berlin': it is also one of find_home",
        "nlu.yml:15: synonym 'the sunken one' of 'Atlantis': no entity has that value",
        "nlu.yml:22: regex 'zip': packs have no such thing",
        "domain.yml:6: utter_homes: buttons: not carried over",
        "stories.yml:6: step action: 'action_search': not carried over",
        "stories.yml:2: faq/pets → utter_nothing: there is no such response with text",
    ):
        assert expected in told
    assert any("slots: 'city'" in one for one in told)
    assert any("must be a plain name" in one for one in told)


def test_a_pack_of_awkward_texts_is_written_and_read(tmp_path: Path) -> None:
    nlu = 'nlu:\n- intent: a\n  examples:\n  - text: "q\\"\\\\ \\t \\x7f \\u2028 \\U0001F600"\n'
    pack, _ = rasa.read_project(project(tmp_path, nlu=nlu))
    assert parse_pack(pack.toml().encode()) == pack


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("a: [", InvalidInput),
        ("a: !!python/object/apply:os.system [id]", InvalidInput),
        ("- " * 3000 + "a", InvalidInput),
        ("a: &a [x]\nb: [" + "*a, " * 200 + "]", TooLarge),
        ("nlu: []", InvalidInput),
        ("\0", InvalidInput),
    ],
)
def test_hostile_files_are_refused(tmp_path: Path, text: str, error: type[Exception]) -> None:
    with pytest.raises(error):
        rasa.read_project(project(tmp_path, nlu=text))


def test_a_folder_is_needed(tmp_path: Path) -> None:
    with pytest.raises(NotFound):
        rasa.read_project(tmp_path / "none")
