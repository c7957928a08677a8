"""Packs as folders of files that people write: reading them with file and line, checking them."""
