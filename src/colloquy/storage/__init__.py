"""Where things are kept: one store protocol, SQLite and PostgreSQL behind it."""
