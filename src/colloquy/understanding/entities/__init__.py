"""Entities in a text. Each extractor is a module; `extract` gates, runs and merges them."""
