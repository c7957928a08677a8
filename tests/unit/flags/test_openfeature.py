"""The provider as the OpenFeature specification has it, asked through the real SDK."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from openfeature import api
from openfeature.client import OpenFeatureClient
from openfeature.evaluation_context import EvaluationContext
from openfeature.event import EventDetails, ProviderEvent
from openfeature.exception import ErrorCode
from openfeature.flag_evaluation import FlagEvaluationOptions, Reason
from openfeature.hook import Hook
from openfeature.provider import ProviderStatus
from openfeature.track import TrackingEventDetails
from openfeature.transaction_context import ContextVarsTransactionContextPropagator

from colloquy.flags import Flag, Flags, FlagState
from colloquy.flags.openfeature import FlagProvider
from colloquy.model.flags import Condition, Key, Rollout, Rule
from support.waiting import until

ANN = EvaluationContext("ann")
REGISTRY = {
    flag.name: flag
    for flag in (
        Flag("shiny", bool, False, False, False, "ui", "A switch."),
        Flag("safe", bool, False, False, True, "ui", "A switch that is safe when it is on."),
        Flag("mode", str, "old", "old", "old", "ui", "A text.", choices=("old", "new")),
        Flag("count", int, 3, 3, 1, "ui", "A whole number."),
        Flag("share", float, 0.5, 0.5, 0.0, "ui", "A number."),
    )
}


@pytest.fixture
def flags() -> Flags:
    return Flags({"safe": False}, registry=REGISTRY, sources={"safe": "environment X"})


@pytest.fixture
def client(flags: Flags) -> Iterator[OpenFeatureClient]:
    api.set_provider_and_wait(FlagProvider(flags))
    yield api.get_client()
    api.shutdown()


def say(flags: Flags, **states: FlagState) -> None:
    flags.replace(states, {})


def why(client: OpenFeatureClient, context: EvaluationContext | None = None) -> Any:
    return client.get_boolean_details("shiny", False, context)


# -- types and defaults ---------------------------------------------------------------------------


def test_every_type_is_served(client: OpenFeatureClient) -> None:
    assert client.get_boolean_value("shiny", True) is False
    assert client.get_string_value("mode", "x") == "old"
    assert client.get_integer_value("count", 9) == 3
    assert client.get_float_value("share", 9.0) == 0.5
    whole = client.get_float_value("count", 9.0)
    assert (whole, type(whole)) == (3.0, float)


async def test_every_type_is_served_in_an_event_loop(client: OpenFeatureClient) -> None:
    assert await client.get_boolean_value_async("shiny", True) is False
    assert await client.get_string_value_async("mode", "x") == "old"
    assert await client.get_integer_value_async("count", 9) == 3
    assert await client.get_float_value_async("share", 9.0) == 0.5
    unknown = await client.get_object_details_async("nothing", {"a": 1})
    assert (unknown.value, unknown.error_code) == ({"a": 1}, ErrorCode.FLAG_NOT_FOUND)


@pytest.mark.parametrize(
    ("ask", "key", "default"),
    [
        ("boolean", "mode", True),
        ("boolean", "count", True),
        ("string", "shiny", "mine"),
        ("integer", "share", 7),
        ("integer", "shiny", 7),
        ("float", "mode", 7.5),
        ("float", "shiny", 7.5),
        ("object", "mode", {"mine": 1}),
        ("object", "shiny", [1]),
    ],
)
def test_another_type_is_an_error_and_the_default(
    client: OpenFeatureClient, ask: str, key: str, default: Any
) -> None:
    found = getattr(client, f"get_{ask}_details")(key, default)
    assert (found.value, found.reason) == (default, Reason.ERROR)
    assert (found.error_code, found.variant) == (ErrorCode.TYPE_MISMATCH, None)
    assert key in (found.error_message or "")


def test_an_unknown_flag_is_an_error_and_the_default(client: OpenFeatureClient) -> None:
    found = client.get_string_details("nothing", "mine")
    assert (found.flag_key, found.value, found.reason) == ("nothing", "mine", Reason.ERROR)
    assert found.error_code == ErrorCode.FLAG_NOT_FOUND
    assert "nothing" in (found.error_message or "")


def test_details_name_the_variant_and_what_is_known(client: OpenFeatureClient) -> None:
    found = client.get_boolean_details("shiny", True)
    assert (found.variant, found.error_code, found.error_message) == ("off", None, None)
    assert found.flag_metadata == {
        "reason": "default",
        "detail": "",
        "owner": "ui",
        "stale": False,
    }
    assert client.get_string_details("mode", "x").variant == "old"
    assert client.get_integer_details("count", 9).variant == "3"
    assert client.get_float_details("share", 9.0).variant == "0.5"


# -- reasons --------------------------------------------------------------------------------------


def test_reasons(flags: Flags, client: OpenFeatureClient) -> None:
    def of(context: EvaluationContext | None = ANN) -> tuple[bool, str | Reason | None, Any]:
        found = why(client, context)
        return found.value, found.reason, found.flag_metadata["detail"]

    assert of(None) == (False, Reason.STATIC, "")
    say(flags, shiny=FlagState(value=True))
    assert of() == (True, Reason.STATIC, "")
    say(flags, shiny=FlagState(people=("ann",)))
    assert of() == (True, Reason.TARGETING_MATCH, "people")
    assert of(EvaluationContext("bo")) == (False, Reason.DEFAULT, "")
    rule = Rule("web", (Condition("channel", "in", ("web",)),), True)
    say(flags, shiny=FlagState(rules=(rule,)))
    assert of(EvaluationContext("ann", {"channel": "web"})) == (True, Reason.TARGETING_MATCH, "web")
    say(flags, shiny=FlagState(rollout=Rollout(100)))
    assert of() == (True, Reason.SPLIT, "100 %")
    say(flags, shiny=FlagState(value=True, rollout=Rollout(0)))
    assert of() == (True, Reason.DEFAULT, "")
    flags.replace({"shiny": FlagState(value=True)}, {"shiny": "file"})
    assert of() == (False, Reason.DISABLED, "shiny (file)")


def test_what_was_said_at_the_start_is_static_until_it_is_killed(
    flags: Flags, client: OpenFeatureClient
) -> None:
    found = client.get_boolean_details("safe", True)
    assert (found.value, found.reason) == (False, Reason.STATIC)
    assert found.flag_metadata["detail"] == "environment X"
    flags.replace({}, {"safe": "store"})
    found = client.get_boolean_details("safe", False)
    assert (found.value, found.reason, found.variant) == (True, Reason.DISABLED, "on")


def test_a_roll_out_serves_whom_the_flags_serve(flags: Flags, client: OpenFeatureClient) -> None:
    say(flags, shiny=FlagState(rollout=Rollout(25)))
    served = sum(why(client, EvaluationContext(f"p{number}")).value for number in range(400))
    assert 60 < served < 140
    again = [why(client, EvaluationContext("p7")).value for _ in range(3)]
    assert len(set(again)) == 1


# -- contexts -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("by", "context"),
    [
        ("person", EvaluationContext("ann")),
        ("person", EvaluationContext(attributes={"conversation": "ab" * 16})),
        ("conversation", EvaluationContext(attributes={"conversation": "ab" * 16})),
        ("tenant", EvaluationContext(attributes={"tenant": "acme"})),
        ("agent", EvaluationContext("ann", {"agent": "bot"})),
    ],
)
def test_a_roll_out_needs_its_key(
    flags: Flags, client: OpenFeatureClient, by: Key, context: EvaluationContext
) -> None:
    say(flags, shiny=FlagState(rollout=Rollout(50, by=by)))
    assert why(client, context).error_code is None
    missing = why(client, EvaluationContext(attributes={"channel": "web"}))
    assert (missing.value, missing.reason) == (False, Reason.ERROR)
    assert missing.error_code == ErrorCode.TARGETING_KEY_MISSING
    assert by in (missing.error_message or "")
    # Nobody is told apart by all and by none.
    for everybody in (0, 100):
        say(flags, shiny=FlagState(rollout=Rollout(everybody, by=by)))
        assert why(client).error_code is None


def test_a_key_is_missed_only_where_it_is_asked_for(
    flags: Flags, client: OpenFeatureClient
) -> None:
    web = (Condition("channel", "in", ("web",)),)
    say(
        flags,
        shiny=FlagState(
            tenants=("acme",),
            rules=(Rule("part", web, True, 50), Rule("beta", web, True)),
            rollout=Rollout(50),
        ),
    )
    assert why(client, EvaluationContext(attributes={"tenant": "acme"})).value is True
    for attributes in ({"channel": "web"}, {"channel": "api"}):
        found = why(client, EvaluationContext(attributes=attributes))
        assert found.error_code == ErrorCode.TARGETING_KEY_MISSING
    say(flags, shiny=FlagState(rules=(Rule("all", web, True),), rollout=Rollout(50)))
    assert why(client, EvaluationContext(attributes={"channel": "web"})).value is True


@pytest.mark.parametrize(
    "context",
    [
        EvaluationContext("ann", {"conversation": "no id"}),
        EvaluationContext("ann", {"channel": 7}),
        EvaluationContext("ann", {"tenant": ["acme"]}),
        EvaluationContext(7),  # type: ignore[arg-type]
    ],
)
def test_a_context_that_cannot_be_read_is_an_error(
    flags: Flags, client: OpenFeatureClient, context: EvaluationContext
) -> None:
    assert why(client, context).error_code is None  # everybody is served the same: not looked at
    say(flags, shiny=FlagState(people=("ann",)))
    found = why(client, context)
    assert (found.value, found.error_code) == (False, ErrorCode.INVALID_CONTEXT)


def test_conditions_see_what_a_context_says(flags: Flags, client: OpenFeatureClient) -> None:
    seen = (
        Condition("plan", "in", ("gold",)),
        Condition("age", "above", (17,)),
        Condition("tester", "in", (True,)),
        Condition("since", "starts_with", ("2026-",)),
        Condition("conversation", "in", ("ab" * 16,)),
        Condition("agent", "in", ("bot",)),
        Condition("cart", "absent"),
    )
    context = EvaluationContext(
        "ann",
        {
            "plan": "gold",
            "age": 18.5,
            "tester": True,
            "since": datetime(2026, 1, 2, tzinfo=UTC),
            "conversation": "AB" * 16,
            "agent": "bot",
            "cart": ["not", "compared"],
        },
    )
    say(flags, shiny=FlagState(rules=(Rule("all", seen, True),)))
    assert why(client, context).value is True
    assert why(client, EvaluationContext("ann", {**context.attributes, "age": 17})).value is False


def test_contexts_are_merged_the_nearest_strongest(flags: Flags, client: OpenFeatureClient) -> None:
    class Adds(Hook):
        def before(self, hook_context: Any, hints: Any) -> EvaluationContext:
            return EvaluationContext(attributes={"by_hook": "hook", "said": "hook"})

    asked = ("by_api", "by_transaction", "by_client", "by_call", "by_hook")
    everywhere = tuple(Condition(name, "present") for name in asked)
    rules = tuple(
        Rule(place, (*everywhere, Condition("said", "in", (place,))), True)
        for place in ("api", "transaction", "client", "call", "hook")
    )
    say(flags, shiny=FlagState(rules=rules))
    api.set_transaction_context_propagator(ContextVarsTransactionContextPropagator())
    api.set_evaluation_context(EvaluationContext("a", {"by_api": "x", "said": "api"}))
    api.set_transaction_context(
        EvaluationContext("t", {"by_transaction": "x", "said": "transaction"})
    )
    client.context = EvaluationContext("c", {"by_client": "x", "said": "client"})
    call = EvaluationContext("i", {"by_call": "x", "said": "call"})
    options = FlagEvaluationOptions(hooks=[Adds()])
    found = client.get_boolean_details("shiny", False, call, options)
    assert found.flag_metadata["detail"] == "hook"
    say(flags, shiny=FlagState(people=("i",)))
    assert why(client, call).value is True
    say(flags, shiny=FlagState(people=("c",)))
    assert why(client).value is True
    assert why(client, call).value is False


# -- hooks ----------------------------------------------------------------------------------------


class Notes(Hook):
    """Writes down when it was called."""

    def __init__(self, name: str, notes: list[str], fails: str = "") -> None:
        self.name, self.notes, self.fails = name, notes, fails

    def _note(self, stage: str) -> None:
        self.notes.append(f"{stage} {self.name}")
        if stage == self.fails:
            raise ValueError(f"{self.name} fails")

    def before(self, hook_context: Any, hints: Any) -> None:
        hook_context.hook_data["begun"] = self.name
        self._note("before")

    def after(self, hook_context: Any, details: Any, hints: Any) -> None:
        assert hook_context.hook_data["begun"] == self.name
        assert hook_context.provider_metadata.name == "colloquy"
        self._note("after")

    def error(self, hook_context: Any, exception: Exception, hints: Any) -> None:
        self._note("error")

    def finally_after(self, hook_context: Any, details: Any, hints: Any) -> None:
        self._note("finally")


def hooked(flags: Flags) -> tuple[list[str], FlagEvaluationOptions]:
    """Hooks of the API, the provider and, in the options, the call."""
    notes: list[str] = []
    api.set_provider_and_wait(FlagProvider(flags, hooks=[Notes("provider", notes)]))
    api.add_hooks([Notes("api", notes)])
    return notes, FlagEvaluationOptions(hooks=[Notes("call", notes)])


def test_hooks_run_outwards_in_and_back(flags: Flags, client: OpenFeatureClient) -> None:
    notes, options = hooked(flags)
    client.add_hooks([Notes("client", notes)])
    assert client.get_boolean_value("shiny", True, None, options) is False
    inwards = ["api", "client", "call", "provider"]
    assert notes == [
        *(f"before {name}" for name in inwards),
        *(f"after {name}" for name in reversed(inwards)),
        *(f"finally {name}" for name in reversed(inwards)),
    ]


def test_an_error_runs_the_hooks_for_errors_instead(
    flags: Flags, client: OpenFeatureClient
) -> None:
    notes, options = hooked(flags)
    client.get_boolean_value("nothing", True, None, options)
    inwards = ["api", "call", "provider"]
    assert notes == [
        *(f"before {name}" for name in inwards),
        *(f"error {name}" for name in reversed(inwards)),
        *(f"finally {name}" for name in reversed(inwards)),
    ]


@pytest.mark.parametrize(
    ("fails", "value"), [("before", True), ("after", True), ("finally", False)]
)
def test_a_hook_that_fails(
    flags: Flags, client: OpenFeatureClient, fails: str, value: bool
) -> None:
    # Before and after it costs the answer, the default takes its place; in the end it does not.
    notes: list[str] = []
    client.add_hooks([Notes("one", notes), Notes("two", notes, fails)])
    found = client.get_boolean_details("shiny", True)
    assert found.value is value
    assert (found.error_code == ErrorCode.GENERAL) is (fails != "finally")
    assert notes[-2:] == ["finally two", "finally one"]
    assert ("error one" in notes) is (fails != "finally")


# -- events and status ----------------------------------------------------------------------------


@pytest.fixture
def heard(client: OpenFeatureClient) -> list[tuple[str, list[str] | None]]:
    """Events in the order that they came, with the flags that they name."""
    events: list[tuple[str, list[str] | None]] = []

    def note(event: ProviderEvent) -> None:
        def handle(details: EventDetails) -> None:
            assert details.provider_name == "colloquy"
            events.append((event.value.removeprefix("PROVIDER_"), details.flags_changed))

        client.add_handler(event, handle)

    for event in ProviderEvent:
        note(event)
    return events


async def test_ready_is_told_to_who_comes_later(heard: list[tuple[str, Any]]) -> None:
    await until(lambda: heard == [("READY", None)])


async def test_a_change_is_told_with_the_names_of_flags(
    flags: Flags, heard: list[tuple[str, Any]]
) -> None:
    await until(lambda: len(heard) == 1)
    say(flags, shiny=FlagState(value=True), mode=FlagState(value="new"))
    await until(lambda: len(heard) == 2)
    assert heard[-1] == ("CONFIGURATION_CHANGED", ["shiny", "mode"])
    part = FlagState(value=True, rollout=Rollout(5))
    say(flags, shiny=part, mode=FlagState(value="new"))
    await until(lambda: len(heard) == 3)
    # Both depend on who is asked for, and not on the same.
    say(flags, shiny=FlagState(value=True, rollout=Rollout(25)), mode=FlagState(value="new"))
    await until(lambda: len(heard) == 4)
    assert [names for _, names in heard[2:]] == [["shiny"], ["shiny"]]
    # What is said of a flag that is held is in force only afterwards.
    flags.replace({}, {"shiny": "file"})
    await until(lambda: len(heard) == 5)
    assert heard[-1] == ("CONFIGURATION_CHANGED", ["shiny", "mode"])
    flags.replace({"shiny": FlagState(value=True)}, {"shiny": "file"})
    flags.replace({"shiny": FlagState(value=True)}, {})
    await until(lambda: len(heard) == 6)
    assert heard[-1] == ("CONFIGURATION_CHANGED", ["shiny"])


async def test_a_database_that_cannot_be_asked_makes_it_stale(
    flags: Flags, client: OpenFeatureClient, heard: list[tuple[str, Any]]
) -> None:
    await until(lambda: len(heard) == 1)
    flags.doubt(True)
    flags.doubt(True)
    await until(lambda: len(heard) == 2)
    assert client.get_provider_status() == ProviderStatus.STALE
    found = why(client)
    assert (found.value, found.reason, found.flag_metadata["stale"]) == (
        False,
        Reason.STATIC,
        True,
    )
    flags.doubt(False)
    flags.doubt(False)
    await until(lambda: len(heard) == 3)
    assert [name for name, _ in heard] == ["READY", "STALE", "READY"]
    assert client.get_provider_status() == ProviderStatus.READY


def test_before_it_is_ready_and_after_it_is_gone(flags: Flags) -> None:
    class Slow(FlagProvider):
        def initialize(self, evaluation_context: EvaluationContext) -> None:
            asked = api.get_client("slow")
            assert asked.get_provider_status() == ProviderStatus.NOT_READY
            early.append(asked.get_boolean_details("shiny", True))
            super().initialize(evaluation_context)

    early: list[Any] = []
    provider = Slow(flags)
    api.set_provider_and_wait(provider, "slow")
    assert (early[0].value, early[0].error_code) == (True, ErrorCode.PROVIDER_NOT_READY)
    assert len(flags.listeners) == 1
    api.shutdown()
    assert not flags.listeners
    assert api.get_client("slow").get_boolean_value("shiny", True) is True  # nobody's default


async def test_a_listener_that_fails_keeps_no_kill_from_being_in_force(flags: Flags) -> None:
    def fails(names: list[str]) -> None:
        raise ValueError("no")

    flags.listeners.add(fails)
    say(flags, shiny=FlagState(value=True))
    flags.replace({}, {"shiny": "file"})
    assert flags.is_killed("shiny")


# -- domains --------------------------------------------------------------------------------------


async def test_domains_have_providers_of_their_own(flags: Flags, client: OpenFeatureClient) -> None:
    other = Flags({"shiny": True}, registry=REGISTRY)
    first = FlagProvider(other)
    api.set_provider_and_wait(first, "other")
    assert api.get_client("other").get_boolean_value("shiny", False) is True
    assert api.get_client("unbound").get_boolean_value("shiny", True) is False
    assert api.get_client("other").get_metadata().domain == "other"
    events: list[str] = []
    client.add_handler(
        ProviderEvent.PROVIDER_CONFIGURATION_CHANGED, lambda _: events.append("default")
    )
    api.get_client("other").add_handler(
        ProviderEvent.PROVIDER_CONFIGURATION_CHANGED, lambda _: events.append("other")
    )
    say(other, shiny=FlagState(people=("ann",)))
    await until(lambda: events == ["other"])
    say(flags, shiny=FlagState(people=("ann",)))
    await until(lambda: events == ["other", "default"])
    # A provider that is replaced is shut down, one that is bound elsewhere is not.
    api.set_provider_and_wait(FlagProvider(other), "other")
    await until(lambda: len(other.listeners) == 1)
    assert first._heard not in other.listeners


# -- tracking -------------------------------------------------------------------------------------


def test_what_is_tracked_is_handed_on(flags: Flags, client: OpenFeatureClient) -> None:
    client.track("bought")  # nobody asked for it
    seen: list[Any] = []
    api.set_provider_and_wait(FlagProvider(flags, tracked=lambda *what: seen.append(what)))
    api.set_evaluation_context(EvaluationContext("ann", {"plan": "gold"}))
    client.track(
        "bought",
        EvaluationContext(attributes={"page": "home"}),
        TrackingEventDetails(99.5, {"currency": "EUR"}),
    )
    ((name, context, details),) = seen
    assert name == "bought"
    assert context == EvaluationContext("ann", {"plan": "gold", "page": "home"})
    assert (details.value, details.attributes) == (99.5, {"currency": "EUR"})
