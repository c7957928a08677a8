"""A step of the site's build: what the theme would load from elsewhere comes from the site itself.

Browsers allow no workers to pages opened from disk, so search runs in a frame there. The theme asks
a public server for the few lines that do this (package iframe-worker 1.0.4, MIT); they lie in
`vendor/`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

ELSEWHERE = "https://unpkg.com/iframe-worker/shim"
HERE = "vendor/iframe-worker.js"


def on_post_build(config: dict[str, Any]) -> None:
    """Rewrites the pages, which all lie in one folder."""
    for page in Path(config["site_dir"]).glob("*.html"):
        page.write_text(page.read_text(encoding="utf-8").replace(ELSEWHERE, HERE), encoding="utf-8")
