"""What people see: keys, limits, console, chat page."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

from .kinds import (
    Colour,
    Count,
    Key,
    Moment,
    Network,
    NoticeUrl,
    Origin,
    PositiveSeconds,
    Seconds,
)


class SecuritySettings(Struct, frozen=True, forbid_unknown_fields=True):
    """Who may call (engine 25)."""

    auth: Annotated[bool, Meta(description="Whether requests need an API key.")] = True
    trust_loopback: Annotated[
        bool, Meta(description="Requests from this very machine need no key (`serve --dev`).")
    ] = False
    trusted_proxies: Annotated[
        tuple[Network, ...],
        Meta(
            description="Networks (`10.0.0.0/8`) of proxies whose X-Forwarded-For says who the "
            "client is; from anybody else the header counts for nothing.",
        ),
    ] = ()
    secret_key: Annotated[
        Key | None,
        Meta(
            description="Key that seals stored secrets: base64 of 32 bytes. Without it the key is "
            "in a file, `<database file>.key` in the data folder.",
        ),
    ] = None


class LimitSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """How many requests one caller may send: token buckets; a rate of 0 is no limit."""

    api_per_s: Annotated[
        Seconds, Meta(description="Requests per second of one key, in the long run.")
    ] = 10_000.0
    api_burst: Annotated[Count, Meta(description="Requests of one key at once.")] = 20_000
    chat_per_s: Annotated[
        Seconds, Meta(description="Requests per second of one visitor of the chat page.")
    ] = 2.0
    chat_burst: Annotated[Count, Meta(description="Requests of one visitor at once.")] = 40
    chat_address_per_s: Annotated[
        Seconds, Meta(description="Requests per second of all visitors behind one address.")
    ] = 20.0
    chat_address_burst: Annotated[
        Count, Meta(description="Requests at once of all visitors behind one address.")
    ] = 400
    login_per_s: Annotated[
        Seconds, Meta(description="Failed log-ins per second of one address, in the long run.")
    ] = 0.2
    login_burst: Annotated[Count, Meta(description="Failed log-ins of one address at once.")] = 20


class ConsoleSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """The operators' web console."""

    idle_s: Annotated[
        PositiveSeconds, Meta(description="A log-in that is not used for so long ends.")
    ] = 8 * 3600.0
    session_s: Annotated[
        PositiveSeconds, Meta(description="A log-in ends after so long in any case.")
    ] = 7 * 86400.0
    max_viewers: Annotated[
        Count, Meta(description="Most pages that follow the console live at once.")
    ] = 200


class ChatSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """The chat page and the widget, as visitors see them."""

    title: Annotated[
        str, Meta(min_length=1, max_length=60, description="Name in the chat's header.")
    ] = "Assistant"
    greeting: Annotated[
        str, Meta(max_length=200, description="What an empty conversation says.")
    ] = "How can we help?"
    accent: Annotated[
        Colour, Meta(description="Colour of buttons and of the visitor's messages, `#rrggbb`.")
    ] = "#3b5bdb"
    placeholder: Annotated[
        str, Meta(min_length=1, max_length=60, description="Shown in the empty text field.")
    ] = "Write a message"
    avatar: Annotated[
        bool, Meta(description="Whether the assistant has a face; visitors can switch it off.")
    ] = True
    privacy: Annotated[
        str,
        Meta(
            max_length=300,
            description="A line below the conversation; web addresses in it become links.",
        ),
    ] = ""
    frame_ancestors: Annotated[
        tuple[Origin, ...],
        Meta(
            description="Sites that may show the chat in a frame (the widget), beside this one: "
            "`https://shop.example`, `https://*.shop.example`.",
        ),
    ] = ()


class VersionSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """Version 1 of the API, for clients of older systems (docs/versions.md)."""

    v1_channel: Annotated[
        str,
        Meta(
            max_length=64,
            pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$(?!\n)",
            description="Channel of the conversations of V1 clients, who know no channels.",
        ),
    ] = "api"
    v1_deprecated: Annotated[
        Moment | None,
        Meta(
            description="Since or from when V1 is deprecated, as in `2026-07-01T00:00:00Z`: its "
            "answers have the header `Deprecation`.",
        ),
    ] = None
    v1_sunset: Annotated[
        Moment | None,
        Meta(description="When V1 will be gone: its answers have the header `Sunset`."),
    ] = None
    v1_notice: Annotated[
        NoticeUrl | None,
        Meta(description="A page about it, for people: its answers have a `Link` to it."),
    ] = None
    migration: Annotated[
        str | None,
        Meta(
            description="Path of the plan (`migration.toml`) of a table of V1 messages that is "
            "moved; the server then takes its steps.",
        ),
    ] = None
