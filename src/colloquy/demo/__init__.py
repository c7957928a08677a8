"""The demo: an assistant of a letting agency, and the people who write to it."""
