"""``python -m memkit``: the command ``memkit`` without installing it."""

from __future__ import annotations

import sys

from memkit.cli import main

if __name__ == "__main__":
    sys.exit(main())
