#!/usr/bin/env python
"""`colloquy bench pipeline`, for those who look for benchmarks here. Arguments are passed on."""

import sys

from colloquy.cli import main

if __name__ == "__main__":
    sys.argv[1:1] = ["bench", "pipeline"]
    main()
