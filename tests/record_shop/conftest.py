"""The tool's modules, which are no package: they run where isang is not installed."""

import sys
from pathlib import Path

TOOL = Path(__file__).resolve().parents[2] / "tools" / "record_shop"
sys.path.insert(0, str(TOOL))
