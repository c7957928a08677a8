"""The proof: what shows that the promises hold, on the very code that users run.

`history` judges what a killed, paused and locked-out server did; `torture` makes such a history;
`bench` measures. Both start real servers and talk to them over real HTTP. Nothing in the engine
imports this room.
"""
