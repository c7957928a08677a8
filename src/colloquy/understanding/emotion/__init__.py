"""Emotion: a linear model, a lexicon and rules, put together into one feeling per message."""
