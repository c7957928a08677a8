"""How the interpreter is set while a runtime runs."""

from __future__ import annotations

import gc
import sys

SWITCH_INTERVAL_S = 0.0005
"""How soon a thread that wants the interpreter gets it (engine decision 1): with the default of
5 ms the writer thread would wait for a busy loop at every statement."""
GC_THRESHOLD = (50_000, 20, 100)

_before = sys.getswitchinterval(), gc.get_threshold()
_is_frozen = False


def settle() -> None:
    """What lives as long as the process is not looked at again by the collector, and the rest less
    often: it otherwise costs several percent of a busy loop and most of its tail.

    Only the first runtime of a process is taken for one that lives as long: what is frozen is never
    freed, and tests start hundreds.
    """
    global _is_frozen
    sys.setswitchinterval(SWITCH_INTERVAL_S)
    if not _is_frozen:
        gc.collect()
        gc.freeze()
        _is_frozen = True
    gc.set_threshold(*GC_THRESHOLD)


def unsettle() -> None:
    """A runtime has stopped: as it was at first."""
    switch_interval_s, threshold = _before
    sys.setswitchinterval(switch_interval_s)
    gc.set_threshold(*threshold)
