"""Lets the tests of all families import the common suite: `from suite import ...`."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
