"""The collector while a runtime runs, and after it."""

import gc
import sys

from colloquy.runtime import interpreter


def test_what_a_stopped_runtime_leaves_is_collected_as_before():
    gc.collect()
    before, interval = gc.get_threshold(), sys.getswitchinterval()
    interpreter.settle()
    assert gc.get_threshold() == interpreter.GC_THRESHOLD
    frozen = gc.get_freeze_count()
    assert frozen > 0
    interpreter.unsettle()
    assert (gc.get_threshold(), sys.getswitchinterval()) == (before, interval)
    interpreter.settle()
    assert gc.get_freeze_count() <= frozen
    interpreter.unsettle()
