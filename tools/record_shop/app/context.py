"""What belongs to the request that a thread is working on: its id and the steps done for it so far."""

import threading


class _Context(threading.local):
    request_id = "-"

    def __init__(self) -> None:
        self.steps: list[str] = []


current = _Context()


def begin(request_id: str) -> None:
    current.request_id = request_id
    current.steps = []


def step(name: str) -> None:
    """Note a step; the answer carries all of them in `X-Steps`, for the traffic generator alone. No log has them."""
    current.steps.append(name)
