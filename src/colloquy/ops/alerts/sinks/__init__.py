"""Where notices go: the log, a list for the console, a webhook, Slack, e-mail."""

from .http import Door, SlackSink, WebhookSink
from .local import ConsoleSink, LogSink
from .mail import MailServer, MailSink

__all__ = ["ConsoleSink", "Door", "LogSink", "MailServer", "MailSink", "SlackSink", "WebhookSink"]
