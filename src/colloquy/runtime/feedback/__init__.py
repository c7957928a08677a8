"""The feedback of one running engine: reading it, figures of it, exports, reports."""

from .desk import FeedbackDesk

__all__ = ["FeedbackDesk"]
