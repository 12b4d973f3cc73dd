"""isang: learn what normal logs look like, find what is not, and judge the training run that it rests on.

From Python: `isang.run`, or each stage alone: `prepare`, `train`, `report`, `evaluate`, `detect`; settings: `Config`.
"""

from typing import TYPE_CHECKING, Any

from isang.threads import settle as _settle_threads

if TYPE_CHECKING:
    from isang.config import Config as Config
    from isang.errors import IsangError as IsangError
    from isang.stages import detect as detect
    from isang.stages import evaluate as evaluate
    from isang.stages import prepare as prepare
    from isang.stages import report as report
    from isang.stages import run as run
    from isang.stages import train as train

__version__ = "0.1.0"

_settle_threads()

_PUBLIC = {
    "Config": "config", "IsangError": "errors", "prepare": "stages", "train": "stages", "report": "stages",
    "evaluate": "stages", "detect": "stages", "run": "stages",
}  # fmt: skip
__all__ = ["Config", "IsangError", "__version__", "detect", "evaluate", "prepare", "report", "run", "train"]


def __getattr__(name: str) -> Any:
    """Import the public names when they are used: `isang --help` must not wait for polars."""
    if name not in _PUBLIC:
        raise AttributeError(f"module 'isang' has no attribute {name!r}")
    import importlib

    return getattr(importlib.import_module(f"isang.{_PUBLIC[name]}"), name)
