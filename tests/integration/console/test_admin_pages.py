"""Keys, webhooks, settings and doctor, as pages; what people wrote stays text in all of them."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from support.console import Console
from support.server import Server

NASTY = "<script>alert('1')</script>\"><img src=x onerror=alert(2)>"
ESCAPED = "&lt;script&gt;alert("


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with Server(
        tmp_path_factory.mktemp("admin"),
        **{"webhooks.allow_http": "true", "replies.fallback": NASTY},
    ) as server:
        yield server


@pytest.fixture(scope="module")
def console(server: Server) -> Iterator[Console]:
    with Console(server, server.key()) as client:
        yield client


def test_a_key_is_made_shown_once_and_revoked(server: Server, console: Console) -> None:
    answer = console.act("/console/keys", name="shop", scopes=["send", "read"], expires="30")
    assert answer.status_code == 201
    (secret,) = set(re.findall(r"cq_[0-9a-f]{12}_[\w-]+", answer.text))
    principal = server.runtime.authenticate(secret)
    assert principal.scopes == {"send", "read"}
    view = server.runtime.keys.holder(principal.id)
    assert view.expires_at is not None
    assert secret not in console.get("/console/keys").text

    answer = console.act(f"/console/keys/{principal.id}/revoke")
    assert answer.headers["location"] == "/console/keys?done=key-revoked"
    assert "Key revoked." in console.get(answer.headers["location"]).text
    assert console.act(f"/console/keys/{principal.id}/revoke").status_code == 404


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"name": "x"}, "Choose at least one scope."),
        ({"name": "", "scopes": ["send"]}, "A key needs a name."),
        ({"name": "x" * 101, "scopes": ["send"]}, "1 to 100 characters"),
        ({"name": "x", "scopes": ["send", "root"]}, "not root"),
    ],
)
def test_a_wrong_form_comes_back_with_what_was_written(
    console: Console, fields: dict[str, str | list[str]], said: str
) -> None:
    answer = console.act("/console/keys", **fields)
    assert answer.status_code == 422
    assert said in answer.text
    assert f'value="{fields["name"]}"' in answer.text


def test_keys_come_in_pages(server: Server, console: Console) -> None:
    for number in range(51):
        server.run(server.runtime.create_key(f"page {number}", ["send"]))
    first = console.get("/console/keys").text
    link = re.search(r'href="(/console/keys\?cursor=\w+)"', first)
    assert link is not None
    second = console.get(link[1]).text
    shown = re.findall(r"page \d+<", first), re.findall(r"page \d+<", second)
    assert not set(shown[0]) & set(shown[1])
    assert len({*shown[0], *shown[1]}) == 51


def test_what_people_wrote_stays_text(console: Console) -> None:
    made = console.act("/console/keys", name=NASTY[:100], scopes="send").text
    hook = console.act(
        "/console/webhooks", url="http://example.org/<b>", description=NASTY, channels=NASTY
    ).text
    pages = [
        *(made, hook),
        *(console.get(path).text for path in ("/console/keys", "/console/webhooks")),
        console.get("/console/settings?q=fallback").text,
        console.get("/console/settings", params={"q": NASTY}).text,
        console.get(f"/console/{NASTY}").text,
        console.get("/console/keys?done=" + NASTY).text,
        console.log_in("cq_x", next=NASTY).text,
    ]
    for page in pages:
        assert "<script>alert" not in page
        assert "<img" not in page
    assert sum(ESCAPED in page for page in pages) >= 4


def test_a_webhook_is_made_tested_changed_and_deleted(server: Server, console: Console) -> None:
    # Nobody may be made to call this machine's own addresses.
    answer = console.act("/console/webhooks", url=f"{server.url}/hook", kinds=["reply"])
    assert answer.status_code == 422
    assert 'value="reply" checked' in answer.text

    answer = console.act("/console/webhooks", url="https://example.org/hook", kinds=["reply"])
    assert answer.status_code == 201
    found = re.search(r'href="(/console/webhooks/[0-9a-f]{32})"', answer.text)
    assert found is not None
    place = found[1]
    assert "whsec_" in answer.text
    assert "whsec_" not in console.get(place).text

    assert console.act(f"{place}/disable").status_code == 303
    assert "disabled" in console.get(place).text
    assert console.act(f"{place}/enable", skip_missed="1").status_code == 303
    assert "whsec_" in console.act(f"{place}/rotate").text
    for state in ("", "failed", "nonsense"):
        assert console.get(place, params={"state": state}).status_code == 200
    assert console.act(f"{place}/deliveries/99/redeliver").status_code == 404
    assert console.act(f"{place}/delete").status_code == 303
    assert console.get(place).status_code == 404


def test_settings_are_found_by_name_meaning_and_origin(console: Console) -> None:
    every = console.get("/console/settings").text
    assert every.count('class="setting"') > 60
    found = console.get("/console/settings?q=GRACE").text
    assert "shutdown.grace_s" in found
    assert "accept.max_batch" not in found
    assert "preset test" in found  # which layer set it
    assert "COLLOQUY_SHUTDOWN_GRACE_S" in found
    changed = console.get("/console/settings?changed=1").text
    assert "database_url" in changed
    assert "accept.max_batch" not in changed
    part = console.get("/console/settings?q=grace", headers={"hx-request": "true"}).text
    assert "<html" not in part
    assert "No setting fits" in console.get("/console/settings?q=xyzzy").text


def test_secrets_are_masked(tmp_path_factory: pytest.TempPathFactory) -> None:
    key = "c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0c2U="
    settings = {"security.secret_key": key}
    with (
        Server(tmp_path_factory.mktemp("masked"), **settings) as server,
        Console(server, server.key()) as client,
    ):
        page = client.get("/console/settings?q=secret_key").text
        assert "security.secret_key" in page
        assert key not in page


def test_the_doctor_examines_the_running_server(console: Console) -> None:
    assert 'hx-get="/console/doctor/checks"' in console.get("/console/doctor").text
    part = console.get("/console/doctor/checks").text
    for check in ("python", "sqlite", "disk space", "fsync", "database", "spool"):
        assert f"<h2>{check} " in part


def test_headers_keep_pages_safe(console: Console) -> None:
    for path in ("/console", "/console/login", "/console/nothing", "/console/overview/health"):
        headers = console.get(path).headers
        policy = headers["content-security-policy"]
        assert "script-src 'self'; style-src 'self'" in policy
        assert "unsafe" not in policy
        assert "frame-ancestors 'none'" in policy
        assert headers["cache-control"] == "no-store"
        assert headers["x-content-type-options"] == "nosniff"
        # `no-referrer` would make browsers send `Origin: null` with forms.
        assert headers["referrer-policy"] == "same-origin"


def test_files_are_those_of_the_folder_and_no_others(console: Console) -> None:
    answer = console.get("/console/static/console.css")
    assert answer.headers["content-type"].startswith("text/css")
    again = console.get(
        "/console/static/console.css", headers={"if-none-match": answer.headers["etag"]}
    )
    assert (again.status_code, again.content) == (304, b"")
    for name in ("../pages.py", "..%2fpages.py", "vendor", "vendor/README.md", "nothing.js"):
        assert console.get(f"/console/static/{name}").status_code == 404, name


def test_errors_are_pages_that_say_what_to_do(console: Console) -> None:
    answer = console.get("/console/nothing")
    assert answer.status_code == 404
    assert answer.headers["content-type"].startswith("text/html")
    assert "Back to the console" in answer.text
    part = console.get("/console/nothing", headers={"hx-request": "true"})
    assert part.headers["content-type"].startswith("text/plain")
