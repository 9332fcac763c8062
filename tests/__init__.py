"""Real parts, no mocks. What Python compiles is kept: tests start hundreds of processes of the product."""

import os
import sys

sys.dont_write_bytecode = False
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
