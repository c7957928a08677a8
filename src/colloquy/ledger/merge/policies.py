"""What may be done about a conflict. No policy ever stands in for another; who carries them out is
`ledger.restoring`."""

from __future__ import annotations

import enum

from .conflicts import ConflictKind


class ConflictPolicy(enum.StrEnum):
    """The names are those on the wire."""

    ABORT = "abort"
    """Nothing is done at all: an error with every conflict."""
    SKIP = "skip"
    """Ours stays."""
    OVERWRITE = "overwrite"
    """Theirs is taken."""
    MERGE = "merge"
    """Three-way merge with the resolvers; what it cannot merge stays open."""
    ASK_USER = "ask_user"
    """Stays open until somebody decides."""


# A value, however it was merged, grants no permission and supplies nothing that is needed.
NOT_ABOUT_VALUES = frozenset({ConflictKind.PERMISSION_DENIED, ConflictKind.DEPENDENCY_CONFLICT})
