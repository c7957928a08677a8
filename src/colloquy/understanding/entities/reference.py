"""Order, booking, ticket and other reference numbers that are named as such."""

from __future__ import annotations

import re
from collections.abc import Iterator

from .span import Circumstances, Span

GATE = (
    r"(#|\b(order|ref(erence)?|booking|ticket|invoice|case|confirmation|tracking|claim)\b\.?"
    r"( (number|no\.?|id|code|nr\.?|is))*[ :#]*)[a-z0-9-]{0,24}\d"
)

_REFERENCE = re.compile(
    r"(?:\b(?:order|ref(?:erence)?|booking|ticket|invoice|case|confirmation|tracking|claim)\b\.?"
    r"(?: (?:number|no\.?|id|code|nr\.?|is))*[ :#]*|(?<![\w#])#)"
    r"(?P<code>(?=[A-Za-z0-9-]{0,24}[0-9])[A-Za-z0-9]+(?:-[A-Za-z0-9]+){0,4})(?![\w-])",
    re.IGNORECASE,
)


def references(text: str, _: Circumstances) -> Iterator[Span]:
    """The code alone, in upper case: "order #ab-123" has the reference "AB-123"."""
    for match in _REFERENCE.finditer(text):
        code = match["code"]
        if 3 <= len(code) <= 40:
            yield Span("reference", match.start("code"), match.end("code"), code.upper(), 0.9)
