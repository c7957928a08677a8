"""The files of the pages: the right ones, with headers that keep them safe."""

from __future__ import annotations

import httpx
import pytest

from support.server import Server


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/chat", "text/html"),
        ("/chat/chat.css", "text/css"),
        ("/chat/chat.js", "text/javascript"),
        ("/chat/outbox.js", "text/javascript"),
        ("/chat/view.js", "text/javascript"),
        ("/chat/waiting.js", "text/javascript"),
        ("/chat/face.css", "text/css"),
        ("/widget.js", "text/javascript"),
        ("/docs", "text/html"),
        ("/docs/docs.css", "text/css"),
        ("/docs/docs.js", "text/javascript"),
    ],
)
def test_the_page_is_served_with_safe_headers(server: Server, path: str, kind: str) -> None:
    response = httpx.get(server.url + path)
    assert response.status_code == 200
    assert response.headers["content-type"] == f"{kind}; charset=utf-8"
    assert response.headers["x-content-type-options"] == "nosniff"
    assert response.headers["referrer-policy"] == "no-referrer"
    policy = response.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'self'" in policy
    assert "unsafe" not in policy
    assert "http" not in policy
    again = httpx.get(server.url + path, headers={"if-none-match": response.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


def test_no_other_file_is_served(server: Server) -> None:
    for name in ("chat.html", "docs.html", "__init__.py", "..%2f__init__.py", "%2e%2e", "no.js"):
        for folder in ("chat", "docs"):
            assert httpx.get(f"{server.url}/{folder}/{name}").status_code == 404
