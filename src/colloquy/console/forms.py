"""What browsers send: forms, bounded and decoded once."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs

from litestar import Request

from ..api.bodies import read_body
from ..model.errors import InvalidInput, UnsupportedMediaType

MAX_FORM = 256 * 1024
"""Bytes: a text of the longest allowed length, encoded three bytes for each of UTF-8."""
MAX_FIELDS = 500


class FormRequest(Request[Any, Any, Any]):
    """A request whose body, if it has one, is `application/x-www-form-urlencoded`."""

    _fields: dict[str, list[str]] | None = None

    async def fields(self) -> dict[str, list[str]]:
        """Every value of every field. Raises TooLarge, UnsupportedMediaType, InvalidInput."""
        if self._fields is None:
            body = await read_body(self.receive, MAX_FORM)
            kind = self.headers.get("content-type", "").partition(";")[0].strip().lower()
            if body and kind != "application/x-www-form-urlencoded":
                raise UnsupportedMediaType("the console takes forms", field="Content-Type")
            try:
                self._fields = parse_qs(
                    body.decode("ascii"),
                    keep_blank_values=True,
                    errors="strict",
                    max_num_fields=MAX_FIELDS,
                )
            except ValueError as error:
                raise InvalidInput(f"this form cannot be read: {error}") from None
        return self._fields

    async def field(self, name: str) -> str:
        """The first value of a field without blanks around it; "" when it is not there."""
        values = (await self.fields()).get(name)
        return values[0].strip() if values else ""

    async def choices(self, name: str) -> list[str]:
        """Every value of a field, such as ticked boxes of one name."""
        return (await self.fields()).get(name, [])
