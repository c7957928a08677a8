"""From an accepted message to its committed effects: accept, schedule, stages, commit."""
