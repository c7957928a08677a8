"""The pages of flags without a browser: rights, changes and races, wrong fields, why, switches."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from typing import Any

import pytest

from colloquy.model.errors import StoreUnavailable
from colloquy.model.flags import FlagState, Rollout
from support.console import Console
from support.server import Server

PAGE = "/console/flags"
NAME = "enable_apology"
NASTY = "<script>alert('1')</script>"
RULE = (
    '[{"name": "gold", "when": [{"attribute": "plan", "operator": "in", "values": ["gold"]}], '
    '"value": false, "percentage": 50}]'
)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with Server(tmp_path_factory.mktemp("flags")) as server:
        yield server


@pytest.fixture(scope="module")
def console(server: Server) -> Iterator[Console]:
    with Console(server, server.key()) as client:
        yield client


@pytest.fixture(scope="module")
def operator(server: Server) -> Iterator[Console]:
    with Console(server, server.key("operate")) as client:
        yield client


def shown(console: Console, path: str, **params: str) -> str:
    answer = console.get(path, params=params)
    assert answer.status_code == 200, answer.text
    return text_of(answer.text)


def text_of(page: str) -> str:
    """The words of a page, as a reader sees them."""
    words = html.unescape(re.sub(r"<[^>]+>", " ", page))
    return " ".join(words.split())


def fields(server: Server, name: str = NAME, **changed: str) -> dict[str, str]:
    """The form as the page has it when nothing is said, with what is changed in it."""
    empty = dict.fromkeys(("value", "percentage", "people", "agents", "tenants", "rules"), "")
    revision = str(server.runtime.flag_desk.show(name).revision)
    form = {**empty, "rollout_value": "true", "by": "person", "allowed": "true"}
    return {**form, "revision": revision, **changed}


def state(server: Server, name: str = NAME) -> dict[str, Any]:
    return server.runtime.flag_desk.show(name).state


def test_a_change_is_saved_listed_explained_and_cleared(server: Server, console: Console) -> None:
    sent = fields(server, value="false", percentage="12.5", people="ann\r\n\r\n bo \r\nann")
    answer = console.act(f"{PAGE}/{NAME}", **{**sent, "rules": RULE, "tenants": "acme"})
    assert answer.headers["location"] == f"{PAGE}/{NAME}?done=flag-changed"
    said = state(server)
    assert (said["value"], said["people"], said["tenants"]) == (False, ["ann", "bo"], ["acme"])
    assert said["rollout"] == {"percentage": 12.5}
    assert "It depends 2 people, 1 tenant, 1 rule, 12.5 % by person" in shown(console, PAGE)
    page = console.get(f"{PAGE}/{NAME}").text
    assert 'value="12.5"' in page
    assert "gold plan is gold → 50 % of them: Off" in text_of(page)
    newest = server.runtime.flag_desk.show(NAME).revision
    assert f"/console/ledger/changes/{newest}" in page

    ann = shown(console, f"{PAGE}/{NAME}", person="ann", attributes="plan=gold\nage=7")
    assert "They are served On – allow-list: people" in ann
    cy = console.get(f"{PAGE}/{NAME}", params={"tenant": "acme"}, headers={"hx-request": "true"})
    assert "allow-list: tenants" in text_of(cy.text)
    assert "<html" not in cy.text

    # What is taken back has a revision too, so that the next change is not refused.
    cleared = console.act(f"{PAGE}/{NAME}/clear", revision=str(newest))
    assert cleared.headers["location"].endswith("done=flag-cleared")
    assert state(server) == {}
    again = console.act(f"{PAGE}/{NAME}", **fields(server, value="true"))
    assert (again.status_code, state(server)) == (303, {"value": True})


def test_two_operators_do_not_overwrite_each_other(server: Server, console: Console) -> None:
    name = "enable_bursts"
    late = fields(server, name, value="false", people="ann")
    desk = server.runtime.flag_desk
    theirs = server.run(desk.change(name, FlagState(rollout=Rollout(7)), "key:other"))
    refused = console.act(f"{PAGE}/{name}", **late)
    assert refused.status_code == 412
    words = text_of(refused.text)
    assert "Somebody else changed this flag meanwhile" in words
    assert f"/console/ledger/changes/{theirs.revision}" in refused.text
    assert "\nann</textarea>" in refused.text  # what was written is still there
    assert state(server, name) == {"rollout": {"percentage": 7.0}}
    assert console.act(f"{PAGE}/{name}/clear", revision=late["revision"]).status_code == 412
    # Saved once more, the form names the revision that the page told of.
    found = re.search(r'name="revision" value="(\d+)"', refused.text)
    assert found is not None
    answer = console.act(f"{PAGE}/{name}", **{**late, "revision": found[1]})
    assert answer.status_code == 303
    assert state(server, name) == {"value": False, "people": ["ann"]}


@pytest.mark.parametrize(
    ("name", "wrong", "control", "words"),
    [
        (NAME, {"percentage": "101"}, "percentage", "a percentage is 0 to 100, not 101"),
        (NAME, {"percentage": "many"}, "percentage", "'many' is no number"),
        (NAME, {"percentage": "nan"}, "percentage", "0 to 100"),
        (NAME, {"percentage": "5", "by": "moon"}, "by", "moon"),
        (NAME, {"value": "maybe"}, "value", "choose on or off"),
        (NAME, {"people": f"ann\n{'x' * 257}"}, "people", "line 2: at most 256 characters"),
        (NAME, {"rules": '[\n  {"name": gold}\n]'}, "rules", "no JSON, at line 2, column 12"),
        (NAME, {"rules": '[{"name": "a"'}, "rules", "no JSON, at line 1, column 14"),
        (NAME, {"rules": RULE.replace('"in"', '"is"')}, "rules", "rules[0].when[0].operator: "),
        (NAME, {"rules": RULE.replace("50", "500")}, "rules", "rules[0].percentage: "),
        (NAME, {"rules": RULE.replace("false", '"no"')}, "rules", "rules[0].value: "),
        (NAME, {"rules": "{}"}, "rules", "Expected `array`, got `object`"),
        ("monitoring_metrics_flush_interval", {"value": "0"}, "value", "is 1 to 86400, not 0"),
        ("monitoring_metrics_flush_interval", {"value": "1.5"}, "value", "is no whole number"),
        (
            "monitoring_adapter_type",
            {"percentage": "5", "rollout_value": "radio"},
            "rollout_value",
            "is one of websocket, realtime, dual",
        ),
    ],
)
def test_what_is_wrong_is_said_at_its_field(
    server: Server, console: Console, name: str, wrong: dict[str, str], control: str, words: str
) -> None:
    before = state(server, name)
    answer = console.act(f"{PAGE}/{name}", **fields(server, name, **wrong))
    assert answer.status_code == 422
    problem = re.search(rf'id="{control}-problem" role="alert">(.*?)</p>', answer.text, re.S)
    assert problem is not None, text_of(answer.text)
    assert words in text_of(problem[1])
    assert f'aria-invalid="true" aria-describedby="{control}-problem"' in answer.text
    assert state(server, name) == before


def test_lists_that_are_too_long_for_a_form_stay(server: Server, console: Console) -> None:
    name = "verbose_logging"
    many = tuple(f"person-{number:08}" for number in range(4_000))
    server.run(server.runtime.flag_desk.change(name, FlagState(people=many), "key:x"))
    page = console.get(f"{PAGE}/{name}").text
    assert "4,000 ids are too many for this page" in page
    assert '<textarea id="people"' not in page
    sent = fields(server, name, percentage="3")
    del sent["people"]
    assert console.act(f"{PAGE}/{name}", **sent).status_code == 303
    said = state(server, name)
    assert (len(said["people"]), said["rollout"]) == (4_000, {"percentage": 3.0})


def test_operators_kill_and_revive_and_only_admins_change(
    server: Server, operator: Console
) -> None:
    flags, name = server.runtime.flags, "enable_tools"
    assert operator.act(f"{PAGE}/{name}", value="false").status_code == 403
    assert operator.act(f"{PAGE}/{name}/clear", revision="0").status_code == 403
    page = operator.get(f"{PAGE}/{name}").text
    assert 'id="percentage"' not in page
    assert "scope read may look into it" in text_of(page)
    no_reason = operator.act(f"{PAGE}/{name}/kill", reason=" ")
    assert (no_reason.status_code, flags.enabled(name)) == (422, True)
    assert f'id="problem-{name}" role="alert"' in no_reason.text
    killed = operator.act(f"{PAGE}/{name}/kill", reason=NASTY)
    assert killed.headers["location"] == f"{PAGE}/{name}?done=flag-killed"
    assert not flags.enabled(name)
    page = operator.get(f"{PAGE}/{name}").text
    assert NASTY not in page
    assert f"whatever is said below. {NASTY} – test," in text_of(page)
    assert operator.act(f"{PAGE}/{name}/revive").status_code == 303
    assert flags.enabled(name)
    with Console(server, server.key("read")) as reader:
        assert reader.get(PAGE).status_code == 403
        assert reader.get(f"{PAGE}/{name}").status_code == 403
        assert reader.act(f"{PAGE}/{name}/kill", reason="no").status_code == 403
        assert PAGE not in reader.get("/console/inbox").text


def test_a_switch_holds_several_flags(server: Server, operator: Console) -> None:
    switch, held = "disable_memory_system", "enable_context_graph"
    refused = operator.act(f"{PAGE}/{switch}/kill", reason="x" * 501)
    assert refused.status_code == 422
    assert "at most 500 characters" in text_of(refused.text)
    thrown = operator.act(f"{PAGE}/{switch}/kill", reason="it recalls too much")
    assert thrown.headers["location"] == f"{PAGE}?done=switch-thrown"
    words = shown(operator, PAGE)
    assert f"{switch} Thrown" in words
    assert f"Off Killed: {switch} (store)" in words
    assert f"Killed by {switch} , which holds 3 flags." in shown(operator, f"{PAGE}/{held}")
    back = operator.act(f"{PAGE}/{switch}/revive")
    assert back.headers["location"] == f"{PAGE}?done=switch-revived"
    assert server.runtime.flags.enabled(held)


def test_a_switch_in_the_file_is_put_back_there(server: Server, operator: Console) -> None:
    name = "capture_metrics"
    file = server.folder / "test.db.kill"
    file.write_text(name)
    try:
        # A change is one more reason to look into the file.
        server.run(server.runtime.flag_desk.throw("enable_content_dedup", "with it", "key:x"))
        assert "Thrown in the file: it is put back there." in shown(operator, f"{PAGE}/{name}")
        refused = operator.act(f"{PAGE}/{name}/revive")
        assert refused.status_code == 422
        assert "put it back there" in text_of(refused.text)
    finally:
        file.unlink()
    server.run(server.runtime.flag_desk.revive("enable_content_dedup", "key:x"))


def test_flags_are_found_by_what_the_page_says_of_them(operator: Console) -> None:
    found = operator.get(PAGE, params={"q": "SUMMARY"}, headers={"hx-request": "true"}).text
    assert "<html" not in found
    assert "1 of " in found
    assert f"{PAGE}/enable_context_compression" in found
    assert f"{PAGE}/enable_tools" not in found
    assert "No flag fits" in shown(operator, PAGE, q=NASTY)
    assert NASTY not in operator.get(PAGE, params={"q": NASTY}).text


def test_it_says_that_the_database_could_not_be_asked(
    server: Server, operator: Console, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "cannot be asked" not in shown(operator, PAGE)
    store = server.runtime.store
    read = store.read

    async def away(name: str, *rest: Any, **named: Any) -> Any:
        if name == "change_heads":
            raise StoreUnavailable("the database is away")
        return await read(name, *rest, **named)

    with monkeypatch.context() as patch:
        patch.setattr(store, "read", away)
        assert "The database cannot be asked." in shown(operator, PAGE)
        assert "The database cannot be asked." in shown(operator, f"{PAGE}/{NAME}")
    assert "cannot be asked" not in shown(operator, PAGE)


def test_wrong_addresses_and_questions(operator: Console, console: Console) -> None:
    assert operator.get(f"{PAGE}/no_such_flag").status_code == 404
    assert console.act(f"{PAGE}/no_such_flag", revision="0").status_code == 404
    assert operator.act(f"{PAGE}/no_such_flag/kill", reason="why").status_code == 404
    assert console.act(f"{PAGE}/{NAME}", revision="x").status_code == 422
    whom = operator.get(f"{PAGE}/{NAME}", params={"attributes": "plan=gold\nage"})
    assert whom.status_code == 422
    assert "line 2: write it as name=value" in text_of(whom.text)
    whom = operator.get(f"{PAGE}/{NAME}", params={"conversation": NASTY})
    assert (whom.status_code, NASTY in whom.text) == (422, False)
