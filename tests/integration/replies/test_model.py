"""A language model answers, over HTTP, with a real endpoint that also fails."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest

from colloquy import Colloquy, Turn
from colloquy.model.errors import InvalidInput, SettingsError
from colloquy.model.reply import Reply
from support.engine import Talk, running, settings_for
from support.model_server import KEY, MODEL, Answer, ModelServer
from support.waiting import until

FALLBACK = "I did not quite get that. Could you say it in other words?"


async def why(talk: Talk, who: str = "ann") -> dict[str, Any]:
    """The reason of the newest reply."""
    rows = [row for row in await talk.rows(who) if row["kind"] == "reply"]
    reason: dict[str, Any] = rows[-1]["body"]["why"]
    return reason


async def test_the_model_answers_what_no_handler_does(tmp_path: Path) -> None:
    app = Colloquy()

    @app.on_intent("hours", examples=["when do you open", "opening hours", "are you open"])
    def hours(turn: Turn) -> str:
        return "9 to 5"

    with ModelServer(Answer("Yes, we have\nblue ones.")) as server:
        async with running(app, tmp_path / "a.db", **server.settings) as talk:
            assert await talk.send("when do you open") == ["9 to 5"]
            assert server.requests == []
            assert await talk.send("do you have blue ones?") == ["Yes, we have\nblue ones."]
            reason = await why(talk)
            metrics = talk.runtime.render_metrics().decode()
    assert reason["handler"] == f"model:{MODEL}"
    assert reason["model"] == {
        "model": MODEL,
        "requests": 1,
        "prompt_tokens": 100,
        "completion_tokens": 20,
    }
    assert server.keys == [f"Bearer {KEY}"]
    assert "do you have blue ones?" in server.prompts[0]
    assert "9 to 5" in server.prompts[0], "what was said before is known to the model"
    assert 'colloquy_model_turns_total{outcome="answered"} 1.0' in metrics
    assert 'colloquy_model_tokens_total{kind="prompt"} 100.0' in metrics


async def test_cost_and_an_endpoint_that_does_not_count(tmp_path: Path) -> None:
    prices = {
        "replies__model__prompt_price": "2",
        "replies__model__completion_price": "10",
        "replies__model__currency": "EUR",
    }
    silent = Answer("four words of text", usage=None)
    with ModelServer(Answer("one"), silent) as server:
        async with running(Colloquy(), tmp_path / "a.db", **server.settings, **prices) as talk:
            await talk.send("hello")
            exact = (await why(talk))["model"]
            await talk.send("hello again")
            estimate = (await why(talk))["model"]
    assert exact["cost"] == pytest.approx((100 * 2 + 20 * 10) / 1e6)
    assert exact["currency"] == "EUR"
    assert "estimated" not in exact
    assert estimate["estimated"] is True
    assert estimate["completion_tokens"] == 4
    assert estimate["prompt_tokens"] > 50
    assert estimate["cost"] > 0


async def test_an_answer_without_streaming(tmp_path: Path) -> None:
    with ModelServer(Answer("In one piece.")) as server:
        options = {**server.settings, "replies__model__stream": "false"}
        async with running(Colloquy(), tmp_path / "a.db", **options) as talk:
            assert await talk.send("hello") == ["In one piece."]
            assert (await why(talk))["model"]["prompt_tokens"] == 100
    assert "stream" not in server.requests[0]


FAULTS = {
    "cut": Answer("one two three four", cut=3),
    "cut_silently": Answer("one two three", finish=False),
    "malformed": Answer(raw=b"data: {broken\n\n"),
    "malformed_type": Answer(raw=b'data: {"choices": 5}\n\n'),
    "malformed_shape": Answer(raw=b"data: 7\n\n"),
    "malformed_bytes": Answer(raw=b"data: \xff\xfe\n\n"),
    "empty": Answer(""),
    "rate_limited": Answer(status=429, headers={"Retry-After": "0"}),
    "server_error": Answer(status=500),
    "server_error_stream": Answer(raw=b'data: {"error": {"message": "overheated"}}\n\n'),
    "refused": Answer(status=401),
    "timeout": Answer(hang="before"),
    "timeout_after": Answer("one two", hang="after"),
}
REASONS = {
    "cut_silently": "cut",
    "malformed_type": "malformed",
    "malformed_shape": "malformed",
    "malformed_bytes": "malformed",
    "server_error_stream": "server_error",
    "timeout_after": "timeout",
}


@pytest.mark.parametrize("fault", FAULTS)
async def test_whatever_fails_the_rules_answer(tmp_path: Path, fault: str) -> None:
    reason = REASONS.get(fault, fault)
    with ModelServer(answer=lambda _: FAULTS[fault]) as server:
        options = {**server.settings, "replies__model__idle_timeout_s": "0.3"}
        async with running(Colloquy(), tmp_path / "a.db", **options) as talk:
            assert await talk.send("anything") == [FALLBACK]
            told = await why(talk)
            metrics = talk.runtime.render_metrics().decode()
            assert (await talk.runtime.dead_letters()).dead_letters == []
    tries = 1 if reason == "refused" else 3
    assert len(server.requests) == tries
    assert told["handler"] == "fallback"
    assert told["model"]["failed"] == reason
    assert told["model"]["requests"] == tries
    assert told["model"]["detail"]
    assert KEY not in str(told)
    assert f'colloquy_model_requests_total{{outcome="{reason}"}} {tries}.0' in metrics
    assert f'colloquy_model_turns_total{{outcome="{reason}"}} 1.0' in metrics


@pytest.mark.parametrize("fault", ["cut", "rate_limited", "server_error", "malformed", "empty"])
async def test_a_fault_that_passes_is_not_seen(tmp_path: Path, fault: str) -> None:
    with ModelServer(FAULTS[fault], Answer("Here you are.")) as server:
        async with running(Colloquy(), tmp_path / "a.db", **server.settings) as talk:
            assert await talk.send("anything") == ["Here you are."]
            told = await why(talk)
    assert told["model"]["requests"] == 2
    assert "failed" not in told["model"]
    # What was begun is paid for; what was turned away is not.
    begun = fault in ("cut", "malformed", "empty")
    assert (told["model"]["prompt_tokens"] > 100) is begun


async def test_lone_surrogates_in_an_answer(tmp_path: Path) -> None:
    with ModelServer(Answer("half a \ud83d face")) as server:
        async with running(Colloquy(), tmp_path / "a.db", **server.settings) as talk:
            assert await talk.send("hello") == ["half a ? face"]
    assert len(server.requests) == 1


async def test_a_retry_after_that_is_too_long_is_not_waited_for(tmp_path: Path) -> None:
    with ModelServer(answer=lambda _: Answer(status=429, headers={"Retry-After": "600"})) as server:
        async with running(Colloquy(), tmp_path / "a.db", **server.settings) as talk:
            assert await talk.send("anything") == [FALLBACK]
    assert len(server.requests) == 1


async def test_an_endpoint_that_repeats_the_key(tmp_path: Path) -> None:
    with ModelServer(Answer(f"{KEY} is not known", status=401)) as server:
        async with running(Colloquy(), tmp_path / "a.db", **server.settings) as talk:
            assert await talk.send("anything") == [FALLBACK]
            detail = (await why(talk))["model"]["detail"]
    assert "*** is not known" in detail
    assert KEY not in detail


async def test_an_endpoint_that_is_not_there(tmp_path: Path) -> None:
    with ModelServer() as server:
        options = server.settings
    async with running(Colloquy(), tmp_path / "a.db", **options) as talk:
        assert await talk.send("anything") == [FALLBACK]
        assert (await why(talk))["model"]["failed"] == "connection"


async def test_after_some_failures_it_is_left_alone(tmp_path: Path) -> None:
    with ModelServer(answer=lambda _: Answer(status=400)) as server:
        options = {**server.settings, "replies__model__rest_after": "2"}
        async with running(Colloquy(), tmp_path / "a.db", **options) as talk:
            for _ in range(3):
                assert await talk.send("anything") == [FALLBACK]
            told = await why(talk)
    assert len(server.requests) == 2
    assert told["model"]["failed"] == "resting"


async def test_the_model_alone_is_asked_again_before_the_rules_answer(tmp_path: Path) -> None:
    down = Answer(status=503)
    with ModelServer(down, down, Answer("Back again.")) as server:
        options = {
            **server.settings,
            "replies__responder": "model",
            "replies__model__retry_delays_s": "",
        }
        async with running(Colloquy(), tmp_path / "a.db", **options) as talk:
            assert await talk.send("anything") == ["Back again."]
            assert len(server.requests) == 3
            server.answers.extend([down] * 20)
            assert await talk.send("something else") == [FALLBACK]
            assert (await why(talk))["model"]["failed"] in ("server_error", "resting")


async def test_the_apps_fallback_has_the_last_word_when_the_model_fails(tmp_path: Path) -> None:
    app = Colloquy()

    @app.on_fallback
    def last(turn: Turn) -> str:
        return "the last word"

    with ModelServer(Answer("the model"), Answer(status=401)) as server:
        async with running(app, tmp_path / "a.db", **server.settings) as talk:
            assert await talk.send("hello") == ["the model"]
            assert await talk.send("hello again") == ["the last word"]


async def test_switched_off_by_its_flag(tmp_path: Path) -> None:
    with ModelServer() as server:
        options = {**server.settings, "flags__enable_responder": "false"}
        async with running(Colloquy(), tmp_path / "a.db", **options) as talk:
            assert await talk.send("hello") == [FALLBACK]
    assert server.requests == []


async def test_visitors_see_it_being_written(tmp_path: Path) -> None:
    with ModelServer(Answer("one two three", hang="after"), Answer("four five")) as server:
        options = {**server.settings, "replies__model__idle_timeout_s": "0.5"}
        async with running(Colloquy(), tmp_path / "a.db", **options) as talk:
            receipt = await talk.post("hello")
            assert await talk.wait(receipt) == ["four five"]
            assert (await talk.log())[-1] == "< four five"
            server.answers.append(Answer("six seven eight"))
            seen = ""
            stream = talk.stream(after=(await talk.rows())[-1]["seq"])
            receipt = await talk.post("more")
            async for item in stream:
                if item.kind == "reply_chunk":
                    assert item.data is not None
                    seen += item.data["text"]
                if item.kind == "reply":
                    break
    assert "six seven eight".startswith(seen)
    assert seen


async def test_a_take_over_stops_the_request(tmp_path: Path) -> None:
    with ModelServer(Answer(hang="before")) as server:
        async with running(Colloquy(), tmp_path / "a.db", **server.settings) as talk:
            receipt = await talk.post("hello")
            await until(server.hung.is_set)
            await talk.reached(receipt, "parked")
            await talk.owner("human")
            await until(server.gone.is_set)
            await talk.settled()
            assert "reply" not in await talk.kinds()
            metrics = talk.runtime.render_metrics().decode()
    assert 'colloquy_model_turns_total{outcome="withdrawn"} 1.0' in metrics
    assert len(server.requests) == 1


async def test_a_visitor_who_stops_the_answer_stops_the_request(tmp_path: Path) -> None:
    with ModelServer(Answer("Half of it, and the rest.", hang="word")) as server:
        async with running(Colloquy(), tmp_path / "a.db", **server.settings) as talk:
            receipt = await talk.post("hello")
            shown = ""
            async for item in talk.stream(after=0):
                if item.kind == "reply_chunk" and item.data is not None:
                    shown += item.data["text"]
                    if shown:
                        await talk.runtime.interrupt(talk.conversation_id(), item.data["turn_id"])
                if item.reply is not None:
                    break
            await until(server.gone.is_set)
            assert await talk.wait(receipt) == [shown.strip()] == ["Half"]
            assert (await why(talk))["model"]["model"] == MODEL
            metrics = talk.runtime.render_metrics().decode()
    assert 'colloquy_model_turns_total{outcome="interrupted"} 1.0' in metrics
    assert len(server.requests) == 1


async def test_stopping_the_server_stops_the_request_and_keeps_the_turn(tmp_path: Path) -> None:
    with ModelServer(Answer(hang="before"), Answer("After the restart.")) as server:
        options = {**server.settings, "shutdown__grace_s": "0.2"}
        async with running(Colloquy(), tmp_path / "a.db", **options) as talk:
            receipt = await talk.post("hello")
            await until(server.hung.is_set)
            await talk.reached(receipt, "parked")
        await until(server.gone.is_set)
        async with running(Colloquy(), tmp_path / "a.db", **options) as talk:
            assert await talk.wait(receipt) == ["After the restart."]


async def test_what_identifies_people_is_not_in_the_prompt(tmp_path: Path) -> None:
    app = Colloquy()

    @app.on_message
    def note(turn: Turn) -> None:
        turn.slots["api_key"] = "open sesame"
        turn.slots["phone"] = "+44 20 7946 0958"
        turn.slots["name"] = "Ann"

    with ModelServer() as server:
        async with running(app, tmp_path / "a.db", **server.settings) as talk:
            await talk.send("write to ann@example.com or call +44 20 7946 0958")
            await talk.send("my card is 4111 1111 1111 1111")
    for prompt in server.prompts:
        for secret in ("ann@example.com", "7946", "4111", "open sesame", KEY):
            assert secret not in prompt
    assert "[e-mail]" in server.prompts[1], "masked in what was said before, too"
    assert '"name":"Ann"' in server.prompts[1]


async def test_settings_that_miss_something_are_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingsError) as raised:
        settings_for(tmp_path / "a.db", replies__responder="chain")
    names = [problem["setting"] for problem in raised.value.extra["problems"]]
    assert names == ["replies.model.base_url", "replies.model.name"]


async def test_an_apps_own_responder(tmp_path: Path) -> None:
    class Parrot:
        async def respond(self, turn: Turn) -> list[Reply] | None:
            return None if turn.text == "hush" else [Reply(text=turn.text)]

    app = Colloquy()
    app.responder(Parrot())
    with pytest.raises(InvalidInput, match="already"):
        app.responder(Parrot())
    async with running(app, tmp_path / "a.db") as talk:
        assert await talk.send("polly") == ["polly"]
        assert (await why(talk))["handler"] == "responder"
        assert await talk.send("hush") == [FALLBACK]


async def test_requests_at_once_are_bounded(tmp_path: Path) -> None:
    lock = threading.Lock()
    under_way: list[int] = []
    most: list[int] = []
    pair = threading.Barrier(2)

    def slow(_: dict[str, Any]) -> Answer:
        with lock:
            under_way.append(1)
            most.append(len(under_way))
        pair.wait(60)
        with lock:
            under_way.pop()
        return Answer("fine")

    with ModelServer(answer=slow) as server:
        options = {**server.settings, "replies__model__max_concurrent": "2"}
        async with running(Colloquy(), tmp_path / "a.db", **options) as talk:
            receipts = [await talk.post("hello", who=f"visitor {number}") for number in range(8)]
            for receipt in receipts:
                assert await talk.wait(receipt) == ["fine"]
    assert len(server.requests) == 8
    assert max(most) == 2


async def test_a_turn_has_so_much_time_in_all(tmp_path: Path) -> None:
    with ModelServer(answer=lambda _: Answer(hang="before")) as server:
        options = {**server.settings, "replies__model__turn_timeout_s": "0.3"}
        async with running(Colloquy(), tmp_path / "a.db", **options) as talk:
            assert await talk.send("hello") == [FALLBACK]
            assert (await why(talk))["model"]["failed"] == "timeout"
    assert len(server.requests) == 1
    assert server.gone.is_set()


async def test_a_template_answers_without_a_request(tmp_path: Path) -> None:
    with ModelServer(Answer("from the model")) as server:
        async with running(Colloquy(pack="property"), tmp_path / "a.db", **server.settings) as talk:
            (said,) = await talk.send("thank you very much")
            reason = await why(talk)
    assert reason["handler"].startswith("template:")
    assert said != "from the model"
    assert server.requests == []


async def test_a_take_over_through_another_process_stops_the_request(
    postgres_url: str, tmp_path: Path
) -> None:
    with ModelServer(answer=lambda _: Answer(hang="before")) as server:
        async with (
            running(Colloquy(), postgres_url, tmp_path / "a", **server.settings) as first,
            running(Colloquy(), postgres_url, tmp_path / "b", **server.settings) as second,
        ):
            receipt = await first.post("hello")
            await until(server.hung.is_set)
            await first.reached(receipt, "parked")
            # One of the two works on the turn; the owner changes through the other.
            works, other = (first, second) if first.runtime.worker.parked else (second, first)
            assert works.runtime.worker.parked == 1
            await other.owner("human")
            await until(server.gone.is_set)
            await until(lambda: works.runtime.worker.parked == 0)
            assert "reply" not in await first.kinds()
    assert len(server.requests) == 1
