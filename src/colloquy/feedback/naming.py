"""Who is named in what leaves feedback: nobody, everybody by a pseudonym, or by their own name."""

from __future__ import annotations

from ..model.context import ContextRecord
from ..model.feedback import VISITOR, Privacy
from ..model.times import rfc3339
from ..privacy import mask, pseudonym

OPERATOR = "operator"
SENDER = "sender"
"""Somebody else who takes part in the conversation."""
_HOUR_US = 3_600_000_000


class Naming:
    """`key`: of the pseudonyms, at least 16 bytes.

    Without it neither the id of a conversation nor that of a reply can be found by trying: both
    come from what the visitor is known by, so that pseudonyms stand for them as well.
    """

    def __init__(self, mode: Privacy, key: bytes) -> None:
        self.mode = mode
        self._key = key

    def conversation(self, id: bytes) -> str:
        return self._named(id.hex(), "conversation")

    def person(self, channel: str, account: str, key: str) -> str:
        """The peer of a conversation. Within another channel the same key is somebody else."""
        if self.mode == "identified":
            return key
        return self._named(f"{channel}\n{account}\n{key}", "person")

    def rater(self, by: str) -> str:
        if by == VISITOR or self.mode == "identified":
            return by
        kind = SENDER if by.startswith(f"{SENDER}:") else OPERATOR
        return self._named(by, kind) or kind

    def id(self, id: str) -> str:
        """Of a reply or a turn."""
        return self._named(id, "reply") if id else ""

    def comment(self, text: str) -> str:
        """What somebody wrote names whom it likes: nobody gets to see it where nobody is named."""
        if self.mode == "identified":
            return text
        return mask(text) if self.mode == "pseudonymous" else ""

    def sources(self, context: ContextRecord) -> str:
        """Where the items of a context came from: facts are about somebody."""
        if self.mode != "identified":
            return ""
        return " ".join(one.source for one in context.sources)

    def moment(self, at: int) -> str:
        """To the hour where nobody is named, so that no log elsewhere says who it was."""
        return rfc3339(at - at % _HOUR_US if self.mode == "anonymous" else at)

    def _named(self, text: str, kind: str) -> str:
        if self.mode == "identified":
            return text
        return pseudonym(self._key, text, kind=kind) if self.mode == "pseudonymous" else ""
