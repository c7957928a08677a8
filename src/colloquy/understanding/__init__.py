"""Understanding: what a text says, wants and feels. Batches in, batches out, in compute processes.

`analyse` puts the parts together, `compute` runs it in supervised child processes, `pack` and
`train` turn a user's examples into an intent model. The parts: `entities`, `intent`, `polarity`.
"""
