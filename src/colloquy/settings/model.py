"""Settings of the language model that may answer (docs/models.md)."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, Struct

Price = Annotated[float, Meta(ge=0)]
Delay = Annotated[float, Meta(ge=0)]


class ModelSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """A model behind an OpenAI-compatible endpoint."""

    base_url: Annotated[
        Annotated[str, Meta(max_length=2000, pattern=r"^https?://[^\s]+$")] | None,
        Meta(description="The endpoint, as `https://host/v1`; none: there is no model."),
    ] = None
    name: Annotated[
        str, Meta(max_length=200, description="Name of the model, as the endpoint knows it.")
    ] = ""
    api_key: Annotated[
        Annotated[str, Meta(min_length=1)] | None,
        Meta(description="Sent as a bearer token. Give it by the environment, not in a file."),
    ] = None
    persona: Annotated[
        str, Meta(min_length=1, max_length=20_000, description="Who the model speaks as.")
    ] = "You are the assistant of a company and answer its customers in a chat, briefly."
    policy: Annotated[
        str, Meta(max_length=20_000, description="What it may and may not say and promise.")
    ] = (
        "Say only what the data or a tool tells you. If you do not know, say so and offer to pass "
        "the visitor on to a colleague. Promise nothing."
    )
    mask: Annotated[
        bool,
        Meta(
            description="Whether e-mails, phones and long numbers are hidden from the model; tools "
            "see the real ones through the turn."
        ),
    ] = True
    stream: Annotated[
        bool, Meta(description="Whether visitors see the answer while it is written.")
    ] = True
    temperature: Annotated[
        Annotated[float, Meta(ge=0, le=2)] | None,
        Meta(description="How freely it writes; none leaves it to the endpoint."),
    ] = 0.3
    max_tokens: Annotated[int, Meta(ge=1, description="Longest answer, in tokens.")] = 600
    token_parameter: Annotated[
        Literal["max_tokens", "max_completion_tokens"],
        Meta(description="How the endpoint wants to be told that; newer ones want the second."),
    ] = "max_tokens"
    context_tokens: Annotated[
        int, Meta(ge=0, description="Tokens for what is known besides the message, estimated.")
    ] = 2000
    connect_timeout_s: Annotated[
        float, Meta(gt=0, description="Longest wait for a connection.")
    ] = 3.0
    idle_timeout_s: Annotated[
        float, Meta(gt=0, description="Longest wait for the next piece of an answer.")
    ] = 15.0
    turn_timeout_s: Annotated[
        float,
        Meta(
            gt=0,
            description="Longest a turn may take with retries and tools; nine tenths of "
            "`pipeline.parked_timeout_s` where that is less.",
        ),
    ] = 45.0
    retry_delays_s: Annotated[
        tuple[Delay, ...],
        Meta(
            description="Delays between requests that failed for a passing reason; a Retry-After "
            "that is longer counts, if the turn has the time."
        ),
    ] = (0.5, 2.0)
    max_concurrent: Annotated[
        int, Meta(ge=1, le=10_000, description="Requests at once; further turns wait.")
    ] = 32
    rest_after: Annotated[
        int, Meta(ge=1, description="Turns failed in a row after which the model is left alone.")
    ] = 5
    rest_s: Annotated[
        float, Meta(ge=0, description="For how long; meanwhile the rules answer at once.")
    ] = 30.0
    max_rounds: Annotated[
        int, Meta(ge=1, le=50, description="Requests of one turn, each but the last with tools.")
    ] = 4
    max_calls: Annotated[int, Meta(ge=0, le=200, description="Calls of tools in one turn.")] = 8
    tool_timeout_s: Annotated[
        float, Meta(gt=0, description="Longest call of a tool that says nothing else.")
    ] = 10.0
    prompt_price: Annotated[
        Price | None, Meta(description="Price of a million tokens sent; none: cost is not known.")
    ] = None
    completion_price: Annotated[
        Price | None, Meta(description="Price of a million tokens received.")
    ] = None
    currency: Annotated[
        str, Meta(min_length=1, max_length=8, description="What prices are in.")
    ] = "USD"
