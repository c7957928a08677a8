"""Feedback: what ratings and the course of conversations say, with tests instead of adjectives."""
