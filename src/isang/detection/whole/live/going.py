"""What lines show while they come."""

from typing import NamedTuple

from isang.detection.whole.over_time.explained import LineChange


class Going(NamedTuple):
    """A changed rate or a silence, as far as it is known."""

    change: LineChange
    over: bool
    """Whether it has ended."""
    unsure_seconds: float = 0.0
    """How long after `change.first` its cause may have begun: a silence shows from the last line on."""
