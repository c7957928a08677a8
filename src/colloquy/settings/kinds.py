"""Kinds of values that settings have."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

Seconds = Annotated[float, Meta(ge=0)]
PositiveSeconds = Annotated[float, Meta(gt=0)]
Delays = tuple[Seconds, ...]
Count = Annotated[int, Meta(ge=1)]
Bytes = Annotated[int, Meta(ge=1024)]
Key = Annotated[str, Meta(pattern=r"^[A-Za-z0-9+/]{43}=$")]
Colour = Annotated[str, Meta(pattern=r"^#[0-9a-fA-F]{6}$")]
Origin = Annotated[
    str, Meta(max_length=260, pattern=r"^https?://(\*\.)?[A-Za-z0-9.-]+(:([0-9]{1,5}|\*))?$")
]
Network = Annotated[str, Meta(pattern=r"^[0-9A-Fa-f.:]{2,45}(/[0-9]{1,3})?$")]
WebhookSecret = Annotated[str, Meta(pattern=r"^(whsec_)?[A-Za-z0-9+/]{32,86}={0,2}$")]
Pair = Annotated[str, Meta(pattern=r"^[^=,]+=[^=,]+$(?!\n)")]
NoticeUrl = Annotated[str, Meta(max_length=2000, pattern=r"^https?://[^\s]+$")]
Moment = Annotated[
    str,
    Meta(
        pattern=r"^2[0-9]{3}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])"
        r"T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]Z$(?!\n)"
    ),
]
MailAddress = Annotated[
    str, Meta(max_length=254, pattern=r"^[^@\s<>,;\x00-\x1f]+@[^@\s<>,;\x00-\x1f]+$")
]

MIB = 1024 * 1024
