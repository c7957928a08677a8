"""An assistant in a server process of its own, as somebody who integrates it meets it: feelings and
tones, rules of their own, switches, health, and all that can go wrong."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from colloquy.doctor import check_server
from colloquy.runtime.checks import Check
from colloquy.settings import load_settings
from support.command_line import Serving
from support.model_server import Answer, ModelServer, Wanted

APP = '''
import asyncio

from colloquy import Colloquy, Reply, Turn
from colloquy.context.validation import Finding, Rule

app = Colloquy()
app.add_emotion_rule("excited|thrilled|amazing", "excited", 0.9)


def no_secret_garden(checked):
    return [Finding("it is about the garden") for item in checked.context.items
            if "secret garden" in item.text][:1]


app.add_context_rule(Rule("garden", "error", 0.5, no_secret_garden))


@app.on_message
async def answer(turn: Turn) -> Reply | None:
    if turn.text.startswith("model:"):
        return None
    budget = turn.message.metadata.get("budget")
    context = await turn.context.assemble(budget)
    emotion = turn.understanding.emotion
    kinds = [item.kind for item in context.items]
    told = {"emotion": emotion.label, "confidence": emotion.confidence, "rule": emotion.rule,
            "off": context.off, "left_out": context.left_out, "kinds": kinds}
    return Reply("We are looking into it, please bear with us for a moment.", metadata=told)


@app.tool
def order(item: str) -> str:
    """Orders something."""
    return f"ordered {item}"


@app.tool
def broken() -> str:
    """Fails."""
    raise ValueError("nothing works")


@app.tool(timeout_s=0.05)
async def hangs() -> str:
    """Takes for ever."""
    await asyncio.Event().wait()
    return "never"
'''
STORY = (
    "Hello, I need help with my account",
    "I am getting frustrated with this issue",
    "Thank you for your help!",
)
RULES = [
    {"pattern": "meh+", "emotion": "frustrated", "confidence": 0.5},
    {"pattern": "grr+", "emotion": "frustrated", "confidence": 0.95},
    {"pattern": "zonk", "emotion": "frustrated", "confidence": 0.85, "name": "our own word"},
]


BROKEN_RULE = """
app.add_context_rule(Rule("broken", "warning", 0.1, lambda checked: [1 / 0]))
"""


def until(look: Callable[[], Any], is_so: Callable[[Any], bool]) -> Any:
    """Looks again and again; what is seen once it is so. pytest's own time limit ends it."""
    while not is_so(seen := look()):
        pass
    return seen


class Guest:
    """A server process with this assistant, and somebody who talks to it with its admin key."""

    def __init__(self, folder: Path, app: str = APP, **settings: str) -> None:
        (folder / "bot.py").write_text(app)
        named = {name.replace("__", "."): value for name, value in settings.items()}
        options = [part for pair in named.items() for part in ("--set", "=".join(pair))]
        self.serving = Serving(folder, "--workers", "0", *options)
        said = self.serving.start()
        headers = {"authorization": f"Bearer {said['admin_key']}"}
        self.http = httpx.Client(base_url=said["url"], headers=headers, timeout=60, trust_env=False)

    def stop(self) -> None:
        self.http.close()
        assert self.serving.stop() == 0, "it stops gracefully"

    def send(self, text: str, who: str = "ann", **metadata: Any) -> dict[str, Any]:
        """The receipt and the replies."""
        body = {"conversation": who, "text": text, "metadata": metadata}
        response = self.http.post("/v2/messages?wait=30", json=body)
        assert response.status_code == 200, response.text
        found: dict[str, Any] = response.json()
        return found

    def say(self, text: str, who: str = "ann", **metadata: Any) -> dict[str, Any]:
        """The one reply."""
        (reply,) = self.send(text, who, **metadata)["replies"]
        found: dict[str, Any] = reply
        return found

    def doctor(self) -> Check:
        """What `colloquy doctor` finds of the server."""
        settings = load_settings(
            overrides={"database_url": f"sqlite:///{self.serving.folder / 'test.db'}"}
        )
        return asyncio.run(check_server(settings))

    def why(self, reply: dict[str, Any]) -> dict[str, Any]:
        """Why a reply is what it is, as the log has it."""
        page = self.http.get(f"/v2/conversations/{reply['conversation_id']}/messages").json()
        (item,) = [item for item in page["items"] if item["seq"] == reply["seq"]]
        found: dict[str, Any] = item["why"]
        return found


@pytest.fixture(scope="module")
def guest(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guest]:
    rules = {"understanding__emotion_rules": json.dumps(RULES)}
    found = Guest(tmp_path_factory.mktemp("guest"), **rules)
    yield found
    found.stop()


# -- feelings ---------------------------------------------------------------------------------


def test_frustration_is_understood(guest: Guest) -> None:
    reply = guest.say("I am feeling frustrated", "bob")
    assert reply["metadata"]["emotion"] == "frustrated"
    assert reply["tone"] == "empathetic"


def test_a_story_in_little_room(guest: Guest) -> None:
    """The tone follows the feeling; by the third message something had to go."""
    replies = [guest.say(text, "cleo", budget=40) for text in STORY]
    assert [reply["tone"] for reply in replies] == ["neutral", "empathetic", "positive"]
    first, *_, last = (reply["metadata"] for reply in replies)
    assert first["left_out"] == {}
    assert sum(last["left_out"].values()) > 0
    why = guest.why(replies[2])["context"]
    assert why["tokens"] <= why["budget"] == 40


@pytest.mark.parametrize(
    ("text", "emotion", "confidence", "rule", "tones"),
    [
        ("I was thrilled", "excited", 0.9, "excited|thrilled|amazing", {"positive", "celebratory"}),
        ("mehhh", "frustrated", 0.7, "meh+", {"empathetic", "apologetic"}),
        ("grrr", "frustrated", 0.95, "grr+", {"empathetic", "apologetic"}),
        ("zonk", "frustrated", 0.85, "our own word", {"empathetic", "apologetic"}),
    ],
)
def test_rules_of_emotion_from_code_and_configuration(
    guest: Guest, text: str, emotion: str, confidence: float, rule: str, tones: set[str]
) -> None:
    """A frustration that is doubtful (below 0.8) counts 0.2 more."""
    reply = guest.say(text, "dora")
    told = reply["metadata"]
    assert (told["emotion"], told["rule"]) == (emotion, rule)
    assert told["confidence"] == pytest.approx(confidence)
    assert reply["tone"] in tones


def test_what_is_too_old_for_a_context_is_summarised(guest: Guest) -> None:
    """In the background, once there is enough of it; the figures of the service say so."""
    for number in range(1000):
        reply = guest.say(f"My parcel number {number} has not arrived in Leeds yet", "finn")
        if "summary" in reply["metadata"]["kinds"]:
            break
    assert number >= 9, "there was nothing to make shorter before"
    services = guest.http.get("/v2/health").json()["services"]
    assert services["context_compression"]["calls"] >= 1
    assert services["context_compression"]["mean_ms"] > 0
    assert services["context_compression"]["memory_bytes"] > 1000


# -- contexts that are refused ----------------------------------------------------------------


def test_an_invalid_context_is_refused_and_recorded(guest: Guest) -> None:
    sent = guest.send("Tell me about the secret garden", "eve")
    assert [reply["why"] for reply in sent["replies"] if "why" in reply] == []
    letters = guest.http.get("/v2/dead-letters").json()["dead_letters"]
    (letter,) = [one for one in letters if one["message_id"] == sent["receipt"]["message_id"]]
    assert letter["cause"] == "context_invalid"
    assert letter["detail"] == "Context validation failed: garden: it is about the garden"
    report = guest.http.get("/v2/health").json()
    assert report["services"]["context_validation"]["refused"] >= 1


# -- switches ---------------------------------------------------------------------------------

SWITCHES = (
    "enable_emotional_intelligence",
    "enable_context_compression",
    "enable_context_validation",
    "enable_feedback_collection",
)


def test_what_is_switched_off_is_absent_and_says_so(tmp_path: Path) -> None:
    guest = Guest(tmp_path, **{f"flags__{name}": "false" for name in SWITCHES})
    try:
        replies = [guest.say(text) for text in STORY]
        assert [reply["tone"] for reply in replies] == ["neutral"] * 3
        last = replies[-1]
        assert last["metadata"]["emotion"] == "neutral"
        assert last["metadata"]["rule"] is None
        assert set(last["metadata"]["off"]) == set(SWITCHES[:3]), "the context says so"
        assert guest.why(last)["off"] == ["enable_emotional_intelligence"], "and so does the reply"
        assert guest.why(last)["context"]["off"] == last["metadata"]["off"]
        garden = guest.say("Tell me about the secret garden")
        assert "kinds" in garden["metadata"], "nothing is held to rules"
        rating = {"reply_id": last["reply_id"], "rating": "up"}
        for path, body in (
            (f"/v2/conversations/{last['conversation_id']}/feedback", rating),
            (f"/v2/conversations/{last['conversation_id']}/reactions", {**rating, "emoji": "👍"}),
        ):
            if "reactions" in path:
                body.pop("rating")
            answer = guest.http.post(path, json=body)
            assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
            assert SWITCHES[3] in answer.json()["detail"]
        figures = guest.http.get("/v2/feedback/analytics")
        assert figures.status_code == 404 and SWITCHES[3] in figures.json()["detail"]
        assert guest.http.get("/chat/config").json()["ratings"] is False
        services = guest.http.get("/v2/health").json()["services"]
        assert {name: one["status"] for name, one in services.items()} == {
            "emotion": "off",
            "context_compression": "off",
            "context_validation": "off",
            "feedback": "off",
        }
        assert guest.http.get("/ready").json() == {"ready": True}
        check = guest.doctor()
        assert check.status == "ok" and "; feedback is off" in check.detail
    finally:
        guest.stop()


# -- health -----------------------------------------------------------------------------------


def test_each_service_tells_how_it_does(guest: Guest) -> None:
    reply = guest.say("I am feeling frustrated", "gil")
    address = f"/v2/conversations/{reply['conversation_id']}/feedback"
    rated = guest.http.post(address, json={"reply_id": reply["reply_id"], "rating": "up"})
    assert rated.status_code == 201
    missing = guest.http.post(address, json={"reply_id": "0" * 32, "rating": "up"})
    assert missing.status_code == 404
    report = guest.http.get("/v2/health").json()
    services = report["services"]
    assert {one["status"] for one in services.values()} == {"healthy"}
    assert report["status"] == "healthy" and report["at_us"] > 0
    for name in ("emotion", "context_validation", "feedback"):
        found = services[name]
        assert found["calls"] >= 1 and found["mean_ms"] > 0
        assert (found["failed"], found["error_rate"], found["last_error"]) == (0, 0.0, None)
    assert services["feedback"]["refused"] >= 1, "a wrong request is no failure of the service"
    assert services["emotion"]["memory_bytes"] > 10_000_000


def test_a_service_that_fails_degrades_the_whole_and_answers_go_on(tmp_path: Path) -> None:
    """A rule that raises is the rule's fault: the context is answered from, the health says it."""
    guest = Guest(tmp_path, app=APP + BROKEN_RULE)
    try:
        assert guest.say("Is it still free?")["metadata"]["emotion"] == "neutral"
        services = guest.http.get("/v2/health").json()["services"]
        found = services["context_validation"]
        assert (found["status"], found["failed"]) == ("degraded", 1)
        assert found["last_error"] == "broken: ZeroDivisionError: division by zero"
        # The score is looked at every `health.interval_s`.
        report = until(
            lambda: guest.http.get("/v2/health").json(),
            lambda report: report["status"] != "healthy",
        )
        assert report["status"] == "warning"
        (signal,) = [one for one in report["signals"] if one["name"] == "services"]
        assert signal["detail"] == "degraded: context_validation"
        assert guest.http.get("/health").status_code == 200, "it takes messages all the same"
        check = guest.doctor()
        assert check.status == "warn"
        assert f"context_validation is degraded ({found['last_error']})" in check.detail
    finally:
        guest.stop()


# -- bad input --------------------------------------------------------------------------------


def test_what_makes_no_sense_is_told_by_its_code(guest: Guest) -> None:
    rollback = {"position": 0, "strategy": "by_magic"}
    unknown = guest.http.post("/v2/ledger/rollbacks", json=rollback)
    assert (unknown.status_code, unknown.json()["code"]) == (422, "invalid_input")
    assert unknown.json()["field"] == "strategy"
    sent = guest.send("What does it cost?", "hugo", budget=-5)
    letters = guest.http.get("/v2/dead-letters").json()["dead_letters"]
    (letter,) = [one for one in letters if one["message_id"] == sent["receipt"]["message_id"]]
    assert letter["cause"] == "invalid_input"
    assert letter["detail"] == "a context has 16 to 1000000 tokens, not -5"


FAULTS: tuple[tuple[str, tuple[Answer, ...], dict[str, Any]], ...] = (
    ("malformed", (Answer(raw=b"data: <html>here</html>\n\n"),) * 3, {"failed": "malformed"}),
    ("silent", (Answer(""),) * 3, {"failed": "empty"}),
    ("refused", (Answer(status=401, raw=b"{}"),), {"failed": "refused"}),
    (
        "arguments",
        (Answer(calls=(Wanted("order", '{"item": 5'),)), Answer("Which one?")),
        {"tools": ["invalid"]},
    ),
    ("no tool", (Answer(calls=(Wanted("fly"),)), Answer("I cannot.")), {"tools": ["unknown"]}),
    ("raises", (Answer(calls=(Wanted("broken"),)), Answer("Sorry.")), {"tools": ["failed"]}),
    ("hangs", (Answer(calls=(Wanted("hangs"),)), Answer("Later.")), {"tools": ["timeout"]}),
)


def test_whatever_a_model_does_is_contained_and_recorded(tmp_path: Path) -> None:
    """The visitor is answered each time: by the model that was told what went wrong, or by the
    rules; what happened stands beside the reply."""
    with ModelServer() as model:
        guest = Guest(tmp_path, **model.settings)
        try:
            for name, answers, recorded in FAULTS:
                model.answers.extend(answers)
                reply = guest.say(f"model: {name}", f"who-{name}")
                why = guest.why(reply)
                use = why["model"]
                if "failed" in recorded:
                    assert use["failed"] == recorded["failed"], name
                    assert why["handler"] == "fallback"
                else:
                    assert [one["outcome"] for one in use["tools"]] == recorded["tools"], name
                    assert reply["text"] == answers[-1].text
                assert not model.answers, name
            assert guest.http.get("/v2/dead-letters").json()["dead_letters"] == []
            assert guest.http.get("/v2/health").json()["status"] == "healthy"
        finally:
            guest.stop()
