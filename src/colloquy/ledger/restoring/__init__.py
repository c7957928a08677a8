"""Restoring what was so: a request becomes a plan, and one executor carries it out.

A rollback writes new ledger rows (engine decision 28 to 32), so it can be rolled back itself.
"""
