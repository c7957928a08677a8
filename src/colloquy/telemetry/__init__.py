"""Logs and metrics: what every room may call."""

from .log import configure, get_logger
from .metrics import Counter, Family, Gauge, Histogram, Metrics

__all__ = ["Counter", "Family", "Gauge", "Histogram", "Metrics", "configure", "get_logger"]
