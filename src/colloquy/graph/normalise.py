"""Names, paths and labels in one normal form, so that one thing has one key.

Every function is deterministic and gives the same again for its own result. They keep letters of
all scripts; the ASCII forms of the older ids are in `older_ids`.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from functools import wraps

_SPACE = re.compile(r"[\s\ufeff]+")
_DRIVE = re.compile(r"[A-Za-z]:/")
_VERSION = re.compile(r"[vV](?=\d)")
_NOT_METRIC = re.compile(r"[^\w/-]+")
_NOT_SLUG = re.compile(r"[^\w/\s-]+")

ENVIRONMENTS = ("dev", "staging", "prod", "perf-lab", "qa", "test", "local")
_ENVIRONMENT_WORDS = {
    "production": "prod", "prd": "prod", "live": "prod", "stage": "staging", "stg": "staging",
    "stag": "staging", "perf": "perf-lab", "performance": "perf-lab", "perflab": "perf-lab",
    "testing": "test", "tests": "test", "development": "dev", "devel": "dev",
    "localhost": "local",
}  # fmt: skip
MAX_ENVIRONMENT = 64
MAX_SLUG = 128
MAX_METRIC = 256


def _until_it_rests(step: Callable[[str], str]) -> Callable[[str], str]:
    # Dropping or folding a character can make two others join: what the step gives for its own
    # result is the normal form. Two or three rounds; the bound is there because nobody proved it.
    @wraps(step)
    def normal(text: str) -> str:
        for _ in range(16):
            text, before = step(text), text
            if text == before:
                break
        return text

    return normal


@_until_it_rests
def name(text: str) -> str:
    """Of people, organisations, places: NFKC, spaces collapsed, case folded. For comparing.

    Shown is the name as it was given.
    """
    return _SPACE.sub(" ", unicodedata.normalize("NFKC", text).casefold()).strip(" ")


def path(text: str) -> str:
    """Of a file: slashes, none doubled, no `.` steps; a drive's letter in upper case.

    `..` stays where there is nothing before it to go up from. Case is kept.
    """
    text = text.strip().replace("\\", "/")
    drive = ""
    if _DRIVE.match(text):
        drive, text = text[:2].upper(), text[2:]
    root = "/" if text.startswith("/") else ""
    steps: list[str] = []
    for step in text.split("/"):
        step = step.strip()
        if step == ".." and steps and steps[-1] != "..":
            steps.pop()
        elif step == ".." and root:
            continue
        elif step not in ("", "."):
            steps.append(step)
    return drive + root + "/".join(steps)


@_until_it_rests
def version(text: str) -> str:
    """Of a package or document: without spaces and the `v` in front of a number; lower case."""
    text = _SPACE.sub("", unicodedata.normalize("NFKC", text)).lower()
    return text[1:] if _VERSION.match(text) else text


@_until_it_rests
def slug(text: str) -> str:
    """Of a heading: words joined by dashes, letters of all scripts kept; `""` where none is left.

    `"## Hello World!"` is `hello-world`, `"Über uns"` is `über-uns`.
    """
    text = _NOT_SLUG.sub("-", name(text))
    return re.sub(r"-+", "-", _SPACE.sub("-", text))[:MAX_SLUG].strip("-/")


@_until_it_rests
def domain_path(text: str) -> str:
    """Of a business domain: `"A > B  > C"` is `a/b/c`."""
    steps = (slug(step) for step in re.split(r"[>/]+", name(text)))
    return "/".join(step for step in steps if step)


@_until_it_rests
def metric(text: str) -> str:
    """Of a metric: `"API//Latency p95."` is `api/latency-p95`; `""` where no letter is left."""
    steps = (
        re.sub(r"-+", "-", _NOT_METRIC.sub("-", step)).strip("-")
        for step in re.split(r"/+", name(text))
    )
    return "/".join(step for step in steps if step)[:MAX_METRIC].strip("-/")


def environment(text: str | None) -> str:
    """One of `ENVIRONMENTS`, alone or with what follows it (`prod-eu`), or the cleaned word.

    Whole words decide: `production-eu` is `prod-eu`, `device-farm` stays what it is. `unknown`
    where nothing is left.
    """
    return _environment(text or "") or "unknown"


@_until_it_rests
def _environment(text: str) -> str:
    cleaned = slug(text).replace("/", "-").replace("_", "-")[:MAX_ENVIRONMENT]
    words = [word for word in cleaned.split("-") if word]
    if not words:
        return ""
    if words[:2] == ["perf", "lab"]:
        words = ["perf-lab", *words[2:]]
    first = _ENVIRONMENT_WORDS.get(words[0], words[0])
    return "-".join([first, *words[1:]])[:MAX_ENVIRONMENT].strip("-")
