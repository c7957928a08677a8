"""What `colloquy bench flags` compares: one flag, said in each library's own words.

The flag serves an allow-list of 100 people; else half of those with a plan on the web; else who is
above 60; else 25 % of everybody by a hash of their name. As a program this module measures one of
the contenders, in a process of its own: `python -m … NAME ROUNDS`.
"""

from __future__ import annotations

import json
import statistics
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from time import perf_counter
from typing import Any

from ..flags import Flag, Flags, FlagState, FlagSubject
from ..model.flags import Condition, Rollout, Rule

SUBJECTS = 1_000
LISTED = [f"v{number}" for number in range(100)]
FLAG = Flag("shiny", bool, False, False, False, "bench", "The flag that is measured.")
STATE = FlagState(
    value=False,
    people=tuple(LISTED),
    rules=(
        Rule(
            "plan",
            (Condition("plan", "in", ("gold", "silver")), Condition("channel", "in", ("web",))),
            True,
            50.0,
        ),
        Rule("age", (Condition("age", "above", (60,)),), True),
    ),
    rollout=Rollout(25.0),
)
People = list[dict[str, Any]]
Ask = Callable[[], int]
"""Asks the flag for everybody, and counts who is served."""


def people() -> People:
    """Every tenth is listed, every third has a plan, a third is above 60."""
    return [
        {
            "name": f"v{number % 100}" if number % 10 == 0 else f"p{number}",
            "plan": "gold" if number % 3 == 0 else "free",
            "age": number % 90,
            "channel": "web",
        }
        for number in range(SUBJECTS)
    ]


def ours(state: FlagState = STATE) -> Ask:
    flags = Flags(registry={FLAG.name: FLAG})
    flags.replace({FLAG.name: state}, {})
    enabled = flags.enabled
    subjects = [
        FlagSubject(
            person=one["name"],
            channel=one["channel"],
            attributes={"plan": one["plan"], "age": one["age"]},
        )
        for one in people()
    ]
    return lambda: sum([enabled("shiny", subject) for subject in subjects])


def constant() -> Ask:
    return ours(FlagState(value=True))


def openfeature_ours() -> Ask:
    from ..flags.openfeature import FlagProvider

    flags = Flags(registry={FLAG.name: FLAG})
    flags.replace({FLAG.name: STATE}, {})
    return _through_sdk(FlagProvider(flags))


def openfeature_ours_constant() -> Ask:
    from ..flags.openfeature import FlagProvider

    return _through_sdk(FlagProvider(Flags({"shiny": True}, registry={FLAG.name: FLAG})))


def openfeature_inmemory() -> Ask:
    """It has no rules of its own: everybody is served the same."""
    from openfeature.provider.in_memory_provider import InMemoryFlag, InMemoryProvider

    return _through_sdk(InMemoryProvider({"shiny": InMemoryFlag("on", {"on": True, "off": False})}))


def flagd() -> Ask:
    """In this process, from a file; it is asked through the SDK, as there is no other way."""
    from openfeature.contrib.provider.flagd import FlagdProvider
    from openfeature.contrib.provider.flagd.config import ResolverType

    def share(salt: str, percentage: int) -> dict[str, Any]:
        key = {"cat": [salt, {"var": "targetingKey"}]}
        return {"fractional": [key, ["on", percentage], ["off", 100 - percentage]]}

    has_plan = {
        "and": [
            {"in": [{"var": "plan"}, ["gold", "silver"]]},
            {"in": [{"var": "channel"}, ["web"]]},
        ]
    }
    # One expression decides: who is not in the half of a plan goes on to the others there, too.
    others = {"if": [{">": [{"var": "age"}, 60]}, "on", share("shiny", 25)]}
    half = {"if": [{"===": [share("plan", 50), "on"]}, "on", others]}
    targeting = {
        "if": [
            {"in": [{"var": "targetingKey"}, LISTED]},
            "on",
            {"if": [has_plan, half, others]},
        ]
    }
    flag = {
        "state": "ENABLED",
        "variants": {"on": True, "off": False},
        "defaultVariant": "off",
        "targeting": targeting,
    }
    file = Path(tempfile.mkdtemp(prefix="colloquy-bench-")) / "flags.json"
    try:
        file.write_text(json.dumps({"flags": {"shiny": flag}}))
        provider = FlagdProvider(
            resolver_type=ResolverType.FILE,
            offline_flag_source_path=str(file),
            deadline_ms=3_600_000,  # how often it looks at the file
        )
        return _through_sdk(provider)
    finally:
        file.unlink(missing_ok=True)
        file.parent.rmdir()


def unleash() -> Ask:
    """Its client, without a server, from flags that it is given at the start."""
    from UnleashClient.cache import BaseCache
    from UnleashClient.clients.unleash_client import UnleashClient

    class Memory(BaseCache):
        def __init__(self) -> None:
            self.kept: dict[str, Any] = {}

        def set(self, key: str, value: Any) -> None:
            self.kept[key] = value

        def mset(self, data: dict[str, Any]) -> None:
            self.kept.update(data)

        def get(self, key: str, default: Any = None) -> Any:
            return self.kept.get(key, default)

        def exists(self, key: str) -> bool:
            return key in self.kept

        def destroy(self) -> None:
            self.kept.clear()

    def rolled(salt: str, percentage: int, *constraints: dict[str, Any]) -> dict[str, Any]:
        return {
            "name": "flexibleRollout",
            "parameters": {"rollout": str(percentage), "stickiness": "userId", "groupId": salt},
            "constraints": list(constraints),
        }

    def among(name: str, *values: str) -> dict[str, Any]:
        return {"contextName": name, "operator": "IN", "values": list(values)}

    above = {"contextName": "age", "operator": "NUM_GT", "values": [], "value": "60"}
    feature = {
        "name": "shiny",
        "type": "release",
        "enabled": True,
        "strategies": [
            {"name": "userWithId", "parameters": {"userIds": ",".join(LISTED)}, "constraints": []},
            rolled("plan", 50, among("plan", "gold", "silver"), among("channel", "web")),
            rolled("age", 100, above),
            rolled("shiny", 25),
        ],
        "variants": [],
    }
    cache = Memory()
    cache.set("/client/features", json.dumps({"version": 2, "features": [feature]}))
    cache.bootstrapped = True
    client = UnleashClient(
        "http://127.0.0.1:9",
        "bench",
        cache=cache,
        disable_metrics=True,
        disable_registration=True,
    )
    client.initialize_client(fetch_toggles=False)
    contexts = [
        {
            "userId": one["name"],
            "plan": one["plan"],
            "age": str(one["age"]),
            "channel": one["channel"],
        }
        for one in people()
    ]
    return lambda: sum([client.is_enabled("shiny", context) for context in contexts])


def _through_sdk(provider: Any) -> Ask:
    from openfeature import api
    from openfeature.evaluation_context import EvaluationContext

    api.set_provider_and_wait(provider)
    client = api.get_client()
    contexts = [
        EvaluationContext(
            one["name"], {"plan": one["plan"], "age": one["age"], "channel": one["channel"]}
        )
        for one in people()
    ]
    ask = client.get_boolean_value
    return lambda: sum([ask("shiny", False, context) for context in contexts])


CONTENDERS: dict[str, Callable[[], Ask]] = {
    "evaluate": ours,
    "evaluate_constant": constant,
    "openfeature_ours": openfeature_ours,
    "openfeature_ours_constant": openfeature_ours_constant,
    "openfeature_inmemory": openfeature_inmemory,
    "flagd": flagd,
    "unleash": unleash,
}


def measure(name: str, rounds: int) -> dict[str, Any]:
    """Microseconds for one question, best and median of the rounds, and the share of those served;
    or the reason why there is none."""
    try:
        ask = CONTENDERS[name]()
    except ImportError as error:
        return {"reason": f"not installed: {error}"}
    served = ask()
    times = []
    for _ in range(rounds):
        begun = perf_counter()
        ask()
        times.append((perf_counter() - begun) / SUBJECTS * 1e6)
    return {
        "best": round(min(times), 3),
        "median": round(statistics.median(times), 3),
        "served": served / SUBJECTS,
    }


if __name__ == "__main__":
    print(json.dumps(measure(sys.argv[1], int(sys.argv[2]))), flush=True)
