"""Signals between the processes on one database: one way to send them, three servers that carry
them."""
