"""What the policies and the kinds of conflict are called."""

from colloquy.ledger.merge import ConflictKind, ConflictPolicy


def test_names_on_the_wire() -> None:
    assert [policy.value for policy in ConflictPolicy] == [
        "abort", "skip", "overwrite", "merge", "ask_user",
    ]  # fmt: skip
    assert {kind.value for kind in ConflictKind} == {
        "value_mismatch", "type_mismatch", "missing_target", "permission_denied",
        "dependency_conflict",
    }  # fmt: skip
