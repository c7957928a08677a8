"""`python -m colloquy.cli`: the same as `colloquy`, for a process that starts another."""

from . import main

if __name__ == "__main__":
    main()
