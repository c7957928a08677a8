"""HTTP, server-sent events and WebSocket: one file per resource, all in front of one `Runtime`."""
