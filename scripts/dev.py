#!/usr/bin/env python3
"""Makes, fills, starts, stops and removes a development bench for this app.

The Makefile calls this file; `python3 scripts/dev.py --help` lists the commands and variables.
Standard library only, Python 3.10 or newer: it runs before anything is installed.
"""

import sys

if sys.version_info < (3, 10):  # noqa: UP036
	sys.exit("scripts/dev.py needs Python 3.10 or newer, this is " + sys.version.split()[0])

from devtools.cli import main

if __name__ == "__main__":
	sys.exit(main(sys.argv[1:]))
