"""The web application put together, and the process that serves it.

`application.build_asgi` joins the `api` and the `console` into one ASGI application; `run.serve`
runs it behind a listening socket.
"""
