from typing import Any

import pytest

from colloquy.graph.noise import edge_refusal, entity_refusal
from colloquy.settings.noise import NoiseSettings


def refusal(to_id: str, confidence: float = 0.9, noise: NoiseSettings | None = None,
            **attributes: Any) -> str | None:  # fmt: skip
    edge = {"toEntityId": to_id, "inferred": True, "confidence": confidence, **attributes}
    return edge_refusal(edge, noise or NoiseSettings())


@pytest.mark.parametrize(("confidence", "reason"), [(0.39, "unsure"), (0.4, None)])
def test_a_weak_guess_is_noise(confidence: float, reason: str | None) -> None:
    assert refusal("sym:a.ts#f", confidence) == reason
    assert refusal("sym:a.ts#f", confidence, NoiseSettings(min_inferred_confidence=0.0)) is None


@pytest.mark.parametrize("inferred", [None, False])
def test_what_was_not_guessed_is_no_noise(inferred: bool | None) -> None:
    assert refusal("function:ab", 0.1, inferred=inferred) is None


@pytest.mark.parametrize(
    ("to_id", "reason"),
    [
        ("function:ab", "too_short"), ("function:abc", None), ("external:DATA", "stop_word"),
        ("external:database", None), ("import:./x:tmp", "stop_word"), ("sym:a.ts#tmp", None),
        ("file:a.ts:ab", None), ("import:lodash", None), ("ab", None),
    ],
)  # fmt: skip
def test_short_and_common_names_are_noise(to_id: str, reason: str | None) -> None:
    assert refusal(to_id, noise=NoiseSettings(stoplist_extra=(" Data ", "tmp"))) == reason


def test_a_reference_says_the_name() -> None:
    assert refusal("x", toRef={"kind": "external", "name": "ab"}) == "too_short"


@pytest.mark.parametrize(
    ("severity", "confidence", "reason"),
    [
        ("medium", 0.6, None),
        ("critical", 1.0, None),
        ("low", 1.0, "minor"),
        ("high", 0.5, "unsure"),
    ],
)
def test_which_findings_count(severity: str, confidence: float, reason: str | None) -> None:
    finding = {"severity": severity, "confidence": confidence}
    assert entity_refusal("securityIssue", finding, NoiseSettings()) == reason
    assert entity_refusal("vulnerability", finding, NoiseSettings()) is None
