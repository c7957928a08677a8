"""Somebody else's site, on another origin: strict about what it runs, careless about its styles."""

from __future__ import annotations

import html
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, urlsplit

STYLES = """
* { font-size: 40px !important; color: #900 !important; letter-spacing: 9px !important; }
div, span, button, iframe, colloquy-widget {
  display: none !important; position: static !important; opacity: 0 !important;
  width: 1px !important; height: 1px !important; z-index: -1 !important;
}
body, main { display: block !important; background: #fff; color: #111 !important; }
"""
PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>A shop</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="stylesheet" href="/styles.css">
<script src="{widget}/widget.js" {attributes} async></script></head>
<body><main><h1>A shop</h1><p>Teapots.</p><p><a href="/next">Cups</a></p></main></body></html>
"""


class Site:
    """The query of an address becomes the widget's attributes."""

    def __init__(self, server: ThreadingHTTPServer) -> None:
        self.url = f"http://127.0.0.1:{server.server_port}"
        self.far_url = f"http://localhost:{server.server_port}"
        """To a browser another site than the chat's host: it gives frames there no storage."""
        self.widget = ""
        """Origin of the chat."""

    def answer(self, path: str) -> tuple[str, str]:
        """(content type, body)"""
        parts = urlsplit(path)
        if parts.path == "/styles.css":
            return "text/css", STYLES
        attributes = " ".join(
            f'{name}="{html.escape(value)}"' for name, value in parse_qsl(parts.query)
        )
        return "text/html", PAGE.format(widget=self.widget, attributes=attributes)

    @property
    def policy(self) -> str:
        """What docs/widget.md asks a strict site to allow, and its own styles."""
        return (
            f"default-src 'none'; style-src 'self'; script-src {self.widget}; "
            f"frame-src {self.widget}; require-trusted-types-for 'script'"
        )


@contextmanager
def foreign_site() -> Iterator[Site]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            kind, body = site.answer(self.path)
            self.send_response(200)
            self.send_header("content-type", f"{kind}; charset=utf-8")
            self.send_header("content-security-policy", site.policy)
            self.send_header("cross-origin-embedder-policy", "require-corp")
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, *_: object) -> None:
            """A test's output is for the test."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    site = Site(server)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield site
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
