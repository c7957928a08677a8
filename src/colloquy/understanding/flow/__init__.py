"""Where a message stands in its conversation: acts, cues, flow, threads, topics."""
