"""HTTP, server-sent events and WebSocket: one file per resource, all in front of one `Runtime`.

`app.build_asgi` makes the ASGI application, `server.serve` runs it.
"""
