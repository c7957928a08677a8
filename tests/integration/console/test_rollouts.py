"""The pages of roll-outs without a browser: rights, every move and refusal, levels, undo, pages."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator

import pytest

from colloquy.console.rollouts import pages
from colloquy.console.rollouts.plans import line_of, steps_of
from colloquy.console.rollouts.words import duration_of, duration_text
from colloquy.flags import Decision
from colloquy.model.errors import InvalidInput, StoreUnavailable
from colloquy.model.flags import FlagState
from colloquy.model.rollouts import LevelRequest, RolloutNote, RolloutRequest, RolloutStep
from support.console import Console
from support.server import Server

PAGE = "/console/rollouts"
NAME = "enable_tools"
OTHER = "enable_bursts"
NASTY = "<script>alert('1')</script>"
STEPS = (
    RolloutStep(percentage=5, hold_s=7_200, minimum=100),
    RolloutStep(percentage=100, hold_s=3_600, minimum=0),
)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with Server(tmp_path_factory.mktemp("rollouts")) as server:
        server.runtime.rollouts.memory = lambda: 0.5
        yield server


@pytest.fixture(scope="module")
def console(server: Server) -> Iterator[Console]:
    with Console(server, server.key()) as client:
        yield client


@pytest.fixture(scope="module")
def operator(server: Server) -> Iterator[Console]:
    with Console(server, server.key("operate")) as client:
        yield client


@pytest.fixture
def plan(server: Server) -> Iterator[str]:
    """A running plan of NAME, ended afterwards."""
    begin(server, NAME)
    yield NAME
    end(server, NAME)


def begin(server: Server, name: str) -> None:
    runtime = server.runtime
    server.run(runtime.flag_desk.change(name, FlagState(value=False), "key:x"))
    request = RolloutRequest(flag=name, steps=STEPS, reason=NASTY)
    server.run(runtime.rollouts.begin(request, "key:x"))


def end(server: Server, name: str) -> None:
    runtime = server.runtime
    if runtime.rollouts.show(name).state in ("running", "paused"):
        server.run(runtime.rollouts.cancel(name, RolloutNote(), "key:x"))
    for switch in sorted(runtime.flags.thrown):
        server.run(runtime.flag_desk.revive(switch, "key:x"))
    server.run(runtime.flag_desk.change(name, FlagState(), "key:x"))


def text_of(page: str) -> str:
    """The words of a page, as a reader sees them."""
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", page)).split())


def shown(console: Console, path: str, **params: str) -> str:
    answer = console.get(path, params=params)
    assert answer.status_code == 200, answer.text
    assert NASTY not in answer.text
    return text_of(answer.text)


def revision(server: Server, name: str = NAME) -> str:
    return str(server.runtime.rollouts.show(name).revision)


def state(server: Server, name: str = NAME) -> str:
    return server.runtime.rollouts.show(name).state


def fields(**changed: str) -> dict[str, str]:
    """The form as the page has it."""
    form = {"flag": NAME, "value": "true", "by": "person", "level": "feature", "reason": "better"}
    steps = [("5", "7 d", "100"), ("25", "1 d 12 h", "100"), ("", "", ""), ("100", "0 s", "0")]
    for number, row in enumerate(steps, 1):
        form |= dict(zip(_columns(number), row, strict=True))
    return {**form, **changed}


def _columns(number: int) -> list[str]:
    return [f"{name}-{number}" for name in ("percentage", "hold", "minimum")]


def test_it_says_that_there_is_none(server: Server, console: Console) -> None:
    words = shown(console, PAGE)
    assert "There is no roll-out" in words
    assert "Nothing was taken back yet." in words
    assert "There is no roll-out of this flag" in shown(console, f"{PAGE}/{OTHER}")
    assert f"{PAGE}/begin?flag={OTHER}" in console.get(f"{PAGE}/{OTHER}").text


def test_a_plan_is_begun_by_the_form(server: Server, console: Console) -> None:
    server.run(server.runtime.flag_desk.change(NAME, FlagState(value=False), "key:x"))
    assert "Of which flag?" in shown(console, f"{PAGE}/begin")
    page = console.get(f"{PAGE}/begin", params={"flag": NAME}).text
    assert '<option value="true" selected>On</option>' in page
    assert 'name="percentage-4" value="100"' in page
    assert 'name="hold-1" value="7 d"' in page
    answer = console.act(f"{PAGE}/begin", **fields())
    assert answer.headers["location"] == f"{PAGE}/{NAME}?done=rollout-begun"
    view = server.runtime.rollouts.show(NAME)
    assert [(step.percentage, step.hold_s, step.minimum) for step in view.steps] == [
        *((5.0, 604_800.0, 100), (25.0, 129_600.0, 100), (100.0, 0.0, 0))
    ]
    assert view.reason == "better"
    again = console.act(f"{PAGE}/begin", **fields())
    assert (again.status_code, "is running already" in text_of(again.text)) == (409, True)
    assert 'value="1 d 12 h"' in again.text  # what was written is still there
    end(server, NAME)


@pytest.mark.parametrize(
    ("wrong", "control", "words"),
    [
        ({"percentage-1": "many"}, "percentage-1", "'many' is no number"),
        ({"percentage-1": "nan"}, "percentage-1", "'nan' is no number"),
        ({"percentage-1": ""}, "percentage-1", "'' is no number"),
        ({"percentage-4": "101"}, "percentage-4", "<= 100"),
        ({"percentage-4": "25"}, "percentage-4", "percentages grow: 25 comes after 25"),
        ({"percentage-1": "0"}, "percentage-1", "> 0"),
        ({"hold-2": "a week"}, "hold-2", "write it as 7 d"),
        ({"hold-2": "400 d"}, "hold-2", "<= 31622400"),
        ({"minimum-4": "1.5"}, "minimum-4", "is no whole number"),
        ({"minimum-4": "99999999"}, "minimum-4", "<= 10000000"),
        ({"value": "maybe"}, "value", "choose on or off"),
        ({"by": "moon"}, "by", "moon"),
        ({"level": "all"}, "level", "all"),
        ({"reason": "x" * 501}, "reason", "500"),
        ({"value": "false"}, "value", "everybody is served False already"),
        (
            dict.fromkeys([one for number in (1, 2, 4) for one in _columns(number)], ""),
            "percentage-1",
            "a roll-out has a step",
        ),
    ],
)
def test_what_is_wrong_is_said_at_its_field(
    server: Server, console: Console, wrong: dict[str, str], control: str, words: str
) -> None:
    server.run(server.runtime.flag_desk.change(NAME, FlagState(value=False), "key:x"))
    answer = console.act(f"{PAGE}/begin", **fields(**wrong))
    assert answer.status_code == (409 if wrong == {"value": "false"} else 422)
    problem = re.search(rf'id="{control}-problem" role="alert">(.*?)</p>', answer.text, re.S)
    assert problem is not None, text_of(answer.text)
    assert words in text_of(problem[1])
    assert server.runtime.flag_desk.show(NAME).state == {"value": False}


def test_a_plan_is_paused_resumed_and_cancelled(
    server: Server, console: Console, operator: Console, plan: str
) -> None:
    words = shown(operator, PAGE)
    assert "5 % now Running" in words
    assert re.search(r"(2 h|1 h \d+ min) left", words)
    assert "Too few turns to say 0 turns with the value" in words
    assert NASTY in words
    before = server.contents()
    page = operator.get(f"{PAGE}/{plan}").text
    assert server.contents() == before
    assert f"{PAGE}/{plan}/pause" in page
    assert "held 2 h, 100 turns" in text_of(page)
    late = revision(server)

    paused = operator.act(f"{PAGE}/{plan}/pause", revision=late, reason=NASTY)
    assert paused.headers["location"] == f"{PAGE}/{plan}?done=rollout-paused"
    assert state(server) == "paused"
    words = shown(operator, f"{PAGE}/{plan}")
    assert "Paused 5 % test" in words  # its move, by the key's name
    assert f"{PAGE}/{plan}/resume" not in operator.get(f"{PAGE}/{plan}").text
    assert operator.act(f"{PAGE}/{plan}/resume", revision=revision(server)).status_code == 403

    raced = console.act(f"{PAGE}/{plan}/resume", revision=late, reason="too late")
    assert (raced.status_code, state(server)) == (409, "paused")
    assert "It was changed meanwhile" in text_of(raced.text)
    assert 'value="too late"' in raced.text
    long = console.act(f"{PAGE}/{plan}/resume", revision=revision(server), reason="x" * 501)
    assert (long.status_code, state(server)) == (422, "paused")
    assert 'id="reason-problem" role="alert"' in long.text
    assert console.act(f"{PAGE}/{plan}/resume", reason="none").status_code == 422
    resumed = console.act(f"{PAGE}/{plan}/resume", revision=revision(server))
    assert (resumed.status_code, state(server)) == (303, "running")

    cancelled = operator.act(f"{PAGE}/{plan}/cancel", revision=revision(server))
    assert cancelled.headers["location"].endswith("done=rollout-cancelled")
    assert server.runtime.flag_desk.show(plan).state == {"value": False}
    ended = operator.act(f"{PAGE}/{plan}/cancel", revision=revision(server))
    assert ended.status_code == 409
    assert "is cancelled" in text_of(ended.text)


def test_the_guard_is_shown_with_its_numbers(server: Server, operator: Console, plan: str) -> None:
    guard = server.runtime.rollouts.guard

    async def feed() -> None:
        for number in range(100):
            for value in (True, False):
                asked = {plan: Decision(value, "rollout", "")}
                guard.add("v2", asked, not value or number % 13 != 0, 0.2)
        await server.runtime.rollouts.look()

    server.run(feed())
    for path in (PAGE, f"{PAGE}/{plan}"):
        words = shown(operator, path)
        assert "Held: look at it" in words
        assert "8.0% of the last 100 turns failed (bound 5%)" in words
        assert "evidence " in words
        assert "held while something is wrong" in words
    words = shown(operator, f"{PAGE}/{plan}")
    assert "With On 100 8.0 % 92.0 % 200 ms" in words
    assert "Without 100 0.0 % 100.0 %" in words
    assert "Held 5 % the guard" in words


def test_every_level_is_previewed_taken_back_and_undone(
    server: Server, console: Console, operator: Console, plan: str
) -> None:
    before = server.contents()
    words = shown(operator, f"{PAGE}/back", flag=plan)
    assert server.contents() == before
    for level in ("Feature", "Partial", "Complete", "Emergency"):
        assert f"{level} told as " in words
    assert f"{plan} Off for everybody, 5 % by person Off for everybody" in words
    assert "emergency_rollback kill switch ready thrown" in words
    assert 'method="post" action="/console/rollouts/back"' not in (
        operator.get(f"{PAGE}/back", params={"flag": plan}).text
    )
    assert operator.act(f"{PAGE}/back", level="emergency", reason="no").status_code == 403

    sent = {"level": "feature", "flag": plan, "about": plan}
    no_reason = console.act(f"{PAGE}/back", **sent, reason=" ")
    assert (no_reason.status_code, state(server)) == (422, "running")
    assert 'id="reason-feature-problem" role="alert"' in no_reason.text
    too_long = console.act(f"{PAGE}/back", **sent, reason="x" * 501)
    assert 'id="reason-feature-problem" role="alert"' in too_long.text
    unknown = console.act(f"{PAGE}/back", **{**sent, "level": "all"}, reason="why")
    assert (unknown.status_code, state(server)) == (422, "running")

    taken = console.act(f"{PAGE}/back", **sent, reason=NASTY)
    assert taken.headers["location"].endswith("?done=taken-back")
    place = taken.headers["location"].partition("?")[0]
    assert state(server) == "rolled_back"
    words = shown(operator, place)
    assert "Roll-back: feature of enable_tools" in words
    assert f"Why {NASTY}" in words
    assert operator.act(f"{place}/undo").status_code == 403
    words = shown(console, PAGE)
    assert f"Feature of {plan} Done test" in words
    assert "0 % now Taken back" in words

    undone = console.act(f"{place}/undo")
    assert undone.headers["location"] == f"{place}?done=taken-back-undone"
    assert server.runtime.flag_desk.show(plan).state["rollout"] == {"percentage": 5.0}
    again = console.act(f"{place}/undo")
    assert (again.status_code, "is undone" in text_of(again.text)) == (409, True)
    assert "Undone by test" in shown(operator, place)


def test_an_emergency_of_no_flag(server: Server, console: Console, plan: str) -> None:
    words = shown(console, f"{PAGE}/back")
    assert "Feature told" not in words
    sent = {"level": "emergency", "flag": "", "about": "", "reason": "all is wrong"}
    taken = console.act(f"{PAGE}/back", **sent, data="restore")
    place = taken.headers["location"].partition("?")[0]
    assert server.runtime.flags.held(plan) is not None
    words = shown(console, place)
    assert "restored by this operation" in words
    assert "emergency_rollback kill switch ready thrown" in words
    assert "holds this flag" in shown(console, f"{PAGE}/{NAME}")
    assert console.act(f"{place}/undo").status_code == 303
    assert server.runtime.flags.held(plan) is None


def test_long_lists_have_pages(
    server: Server, console: Console, plan: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pages, "PAGE", 1)
    begin(server, OTHER)
    levels = server.runtime.rollouts.levels
    for reason in ("the first", "the second"):
        request = LevelRequest(level="feature", flag="verbose_logging", reason=reason)
        server.run(levels.back(request, "key:x"))
    try:
        first = console.get(PAGE).text
        assert f'id="plan-{OTHER}"' in first and f'id="plan-{NAME}"' not in first
        assert "the second" in first and "the first" not in first
        links = [html.unescape(one) for one in re.findall(r'href="([^"]+)" rel="next"', first)]
        plans, rollbacks = (console.get(link).text for link in links)
        assert f'id="plan-{NAME}"' in plans and "the second" in plans
        assert "the first" in rollbacks and f'id="plan-{OTHER}"' in rollbacks
        assert console.get(PAGE, params={"cursor": "x"}).status_code == 422
    finally:
        end(server, OTHER)


def test_it_says_that_the_database_could_not_be_asked(
    server: Server, operator: Console, plan: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def away(*_: object, **__: object) -> None:
        raise StoreUnavailable("the database is away")

    with monkeypatch.context() as patch:
        patch.setattr(server.runtime.rollouts.levels, "newest", away)
        words = shown(operator, PAGE)
    assert "The database cannot be asked." in words
    assert "5 % now Running" in words
    assert "cannot be asked" not in shown(operator, PAGE)


def test_who_may_not(server: Server, operator: Console, console: Console, plan: str) -> None:
    assert f"{PAGE}/begin" not in operator.get(PAGE).text
    assert operator.get(f"{PAGE}/begin").status_code == 403
    assert operator.act(f"{PAGE}/begin", **fields()).status_code == 403
    with Console(server, server.key("read")) as reader:
        for path in (PAGE, f"{PAGE}/{plan}", f"{PAGE}/back"):
            assert reader.get(path).status_code == 403
        assert reader.act(f"{PAGE}/{plan}/pause", revision="1").status_code == 403
        assert PAGE not in reader.get("/console/inbox").text
    forged = console.post(f"{PAGE}/{plan}/cancel", data={"revision": revision(server)})
    assert (forged.status_code, state(server)) == (403, "running")


@pytest.mark.parametrize(
    "path", [f"{PAGE}/no_such_flag", f"{PAGE}/back?flag=no", f"{PAGE}/begin?flag=no"]
)
def test_wrong_addresses(console: Console, path: str) -> None:
    assert console.get(path).status_code == 404


def test_wrong_actions(server: Server, console: Console) -> None:
    assert console.act(f"{PAGE}/verbose_logging/pause", revision="0").status_code == 404
    assert console.act(f"{PAGE}/begin", **fields(flag="no")).status_code == 404
    assert console.get(f"{PAGE}/rollbacks/{'0' * 32}").status_code == 404
    assert console.act(f"{PAGE}/rollbacks/{'0' * 32}/undo").status_code == 404


def test_steps_and_the_line_of_a_plan(server: Server, plan: str) -> None:
    view = server.runtime.rollouts.show(plan)
    assert [step.place for step in steps_of(view)] == ["now", "next"]
    line = line_of(view)
    assert line.points.startswith("0,100 0,100 0,95 1000,95")
    server.run(server.runtime.rollouts.pause(plan, RolloutNote(), "key:x"))
    paused = server.runtime.rollouts.show(plan)
    assert [step.left for step in steps_of(paused)] == ["paused", ""]
    server.run(server.runtime.rollouts.cancel(plan, RolloutNote(), "key:x"))
    ended = server.runtime.rollouts.show(plan)
    assert [step.place for step in steps_of(ended)] == ["next", "next"]
    assert line_of(ended).points.endswith("1000,100 1000,100")


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0 s"), (59, "59 s"), (604_800, "7 d"), (129_600, "1 d 12 h"), (86_401, "1 d")],
)
def test_times_in_words(seconds: float, text: str) -> None:
    assert duration_text(seconds) == text
    assert abs(duration_of(text, "hold") - seconds) <= 1


@pytest.mark.parametrize("text", ["", "7", "d", "7 days", "-1 h", "1 h and 2 min", "\u0663 h"])
def test_times_that_are_none(text: str) -> None:
    with pytest.raises(InvalidInput):
        duration_of(text, "hold")
