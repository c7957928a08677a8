"""The text of an entity that is embedded and searched.

What says what a thing is comes first, because embedders cut long texts at the end: name, then what
it is about, then where it is. Every kind has its own list, so that a spec is its title and
criteria, not its path.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from .kinds import Entity

MAX_TEXT = 8000
"""Characters; about the 2,000 tokens that the longest of the usual embedders read."""

_SYMBOL = ("name", "signature", "docstring", "path")

ATTRIBUTES: dict[str, tuple[str, ...]] = {
    "file": ("path", "extension", "language"),
    "directory": ("path",),
    "module": ("name", "version", "entryPoint", "path"),
    "symbol": _SYMBOL,
    "function": (*_SYMBOL, "parameters.name", "returnType"),
    "class": (*_SYMBOL, "extends", "implements", "methods", "properties"),
    "interface": (*_SYMBOL, "extends", "methods", "properties"),
    "typeAlias": (*_SYMBOL, "aliasedType"),
    "test": ("path", "testType", "framework", "targetSymbol", "tags"),
    "spec": ("title", "description", "acceptanceCriteria", "tags", "path"),
    "change": ("changeType", "entityType", "entityId", "author", "diff"),
    "session": ("agentType", "specs"),
    "version": ("entityId", "path"),
    "checkpoint": ("checkpointId", "reason"),
    "documentation": (
        "title", "docType", "businessDomains", "technologies", "stakeholders", "content",
    ),
    "businessDomain": ("name", "parentDomain", "description", "keyProcesses", "stakeholders"),
    "semanticCluster": ("name", "clusterType", "description"),
    "securityIssue": ("title", "ruleId", "cwe", "description", "remediation", "codeSnippet"),
    "vulnerability": ("vulnerabilityId", "packageName", "version", "description"),
    "person": ("name", "aliases", "roles"),
    "contactPoint": ("medium", "label"),
    "place": ("name", "address", "locality", "postalCode", "country"),
    "organisation": ("name", "aliases", "legalName", "industry"),
    "product": ("name", "category", "reference", "description", "features"),
    "price": ("amount", "currency", "per"),
    "date": ("label", "start", "end"),
    "topic": ("name", "aliases", "description"),
    "commitment": ("text", "status"),
}  # fmt: skip
"""By kind, and by a symbol's own kind; `a.b` is attribute `b` of every entry of `a`.

Without a contact point's value: who looks for a number looks it up, and a number has no meaning
that a neighbour in meaning could share.
"""

_SPACE = re.compile(r"\s+")


def entity_text(entity: Entity) -> str:
    """One text, at most `MAX_TEXT` characters.

    Never empty: an entity of which nothing is known is its kind and id.
    """
    kind = entity.attributes.get("kind") if entity.type == "symbol" else None
    names = ATTRIBUTES.get(kind) if isinstance(kind, str) else None
    names = names or ATTRIBUTES.get(entity.type, ())
    found = [text for name in names for text in _texts(entity.attributes, name.split("."))]
    return _joined(found) or _joined([entity.type, entity.id])


def _texts(value: Any, steps: list[str]) -> Iterator[str]:
    if isinstance(value, list):
        for item in value:
            yield from _texts(item, steps)
    elif steps and isinstance(value, dict):
        yield from _texts(value.get(steps[0]), steps[1:])
    elif steps or value is None or isinstance(value, bool | dict):
        return
    elif isinstance(value, float):
        yield f"{value:.15g}"
    else:
        yield str(value)


def _joined(texts: list[str]) -> str:
    # Cut before the pattern: a file can have megabytes.
    cut = (text[: 4 * MAX_TEXT] for text in texts)
    clean = (_SPACE.sub(" ", text).strip() for text in cut)
    return " ".join(text for text in clean if text)[:MAX_TEXT].rstrip()
