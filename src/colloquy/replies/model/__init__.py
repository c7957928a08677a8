"""A language model behind an OpenAI-compatible endpoint, as a responder."""

from .responder import ModelResponder

__all__ = ["ModelResponder"]
