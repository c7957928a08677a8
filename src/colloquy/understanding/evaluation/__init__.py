"""Scores on labelled data: what `colloquy eval` runs."""
