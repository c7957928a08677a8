"""`/v2/graph`: what is known, since when and why; what leads where; what is taught and taken back.

Ids of entities are any text, so they travel in the query string: in a path, proxies and frameworks
decode `%2F` and fold `//`.
"""

from __future__ import annotations

from litestar.handlers import HTTPRouteHandler

from . import checkpoints, reading, teaching, walking

ROUTES: list[HTTPRouteHandler] = [
    *reading.ROUTES,
    *teaching.ROUTES,
    *walking.ROUTES,
    *checkpoints.ROUTES,
]
