"""The operators' console without a browser: a client that is logged in."""

from __future__ import annotations

import html
import re

import httpx

from support.server import Server

_TOKEN = re.compile(r'X-CSRF-Token": "([0-9a-f]+)"')


class Console(httpx.Client):
    """A client of the console with a cookie jar, as a browser has one; redirects are not followed.

    A context manager. `csrf` is the token of its pages.
    """

    def __init__(self, server: Server, key: str | None = None) -> None:
        super().__init__(base_url=server.url, timeout=60.0, trust_env=False)
        self.csrf = ""
        self._key = key

    def __enter__(self) -> Console:
        super().__enter__()
        if self._key is not None:
            answer = self.log_in(self._key)
            assert answer.status_code == 303, answer.text
            self.csrf = token_of(self.get(answer.headers["location"]).text)
        return self

    def log_in(self, key: str, **fields: str) -> httpx.Response:
        return self.post("/console/login", data={"key": key, **fields})

    def act(self, path: str, **fields: str | list[str]) -> httpx.Response:
        """Sends a form with its token."""
        return self.post(path, data={"csrf": self.csrf, **fields})


def token_of(page: str) -> str:
    """The CSRF token that a page carries."""
    found = _TOKEN.search(html.unescape(page))
    assert found is not None, page[:2000]
    return found[1]
