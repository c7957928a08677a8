"""Moving a user's own table of V1 messages to V2 while both are in use: stages with gates, dual
write, backfill, a ledger of mismatches, and their repair. See `docs/versions.md`."""

from ..stage import Figures, MigrationRecords, Stage, State
from .backfill import Backfilled, backfill
from .comparing import Found, compare
from .draining import drain, keep_draining
from .dual import DualWriter, Written
from .mismatches import Mismatch, MismatchPage
from .pacing import Pace, Standing
from .plan import Columns, Gates, Plan, check_plan, read_plan
from .reading import DualReader, ReadCounts
from .reconciling import Repaired, Verified, reconcile, verify
from .recording import Recorded, record
from .report import Report, figures_of, report
from .stages import Stages, Step
from .tables import Tables

__all__ = [
    "Backfilled",
    "Columns",
    "DualReader",
    "DualWriter",
    "Figures",
    "Found",
    "Gates",
    "MigrationRecords",
    "Mismatch",
    "MismatchPage",
    "Pace",
    "Plan",
    "ReadCounts",
    "Recorded",
    "Repaired",
    "Report",
    "Stage",
    "Stages",
    "Standing",
    "State",
    "Step",
    "Tables",
    "Verified",
    "Written",
    "backfill",
    "check_plan",
    "compare",
    "drain",
    "figures_of",
    "keep_draining",
    "read_plan",
    "reconcile",
    "record",
    "report",
    "verify",
]
