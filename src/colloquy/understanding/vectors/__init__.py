"""Vectors of words: what a word means, so that words never seen in training still count."""
