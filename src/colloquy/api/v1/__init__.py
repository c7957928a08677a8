"""`/v1/…`: version 1 of the API, for clients of older systems (docs/versions.md)."""

from .document import openapi_document_v1
from .handlers import ROUTES as HANDLERS

ROUTES = [*HANDLERS, openapi_document_v1]

__all__ = ["ROUTES"]
