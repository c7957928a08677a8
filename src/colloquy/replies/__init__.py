"""What is answered, and by whom: handlers, templates, the fallback."""
