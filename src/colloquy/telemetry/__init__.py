"""Logs and metrics: what every room may call."""

from .log import REQUEST_ID, configure, get_logger
from .metrics import Counter, Family, Gauge, Histogram, Metrics

__all__ = [
    "REQUEST_ID",
    "Counter",
    "Family",
    "Gauge",
    "Histogram",
    "Metrics",
    "configure",
    "get_logger",
]
