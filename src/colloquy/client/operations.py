"""Every operation of the API: what it asks, and the type of its answer.

The methods are written as descriptions of a request; `operation.py` makes them methods of both
clients. Keyword arguments that are left out are left to the server.
"""

from __future__ import annotations

from .alerts import AlertOperations
from .checkpoints import CheckpointOperations
from .conversations import ConversationOperations
from .dead_letters import DeadLetterOperations
from .feedback import FeedbackOperations
from .flags import FlagOperations
from .graph import GraphOperations
from .ledger import LedgerOperations
from .messages import MessageOperations
from .migration import MigrationOperations
from .monitoring import MonitoringOperations
from .rollouts import RolloutOperations
from .server import ServerOperations
from .visitors import VisitorOperations
from .webhooks import WebhookOperations


class Operations(
    MessageOperations,
    ConversationOperations,
    DeadLetterOperations,
    WebhookOperations,
    AlertOperations,
    MonitoringOperations,
    FlagOperations,
    RolloutOperations,
    MigrationOperations,
    FeedbackOperations,
    LedgerOperations,
    GraphOperations,
    CheckpointOperations,
    VisitorOperations,
    ServerOperations,
):
    """Everything that can be asked of a server."""
