"""Searching the graph: by words, by meaning, by both; and what keeps the indexes up to date."""
