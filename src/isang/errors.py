"""The errors a user can meet. Each message says what came, what was allowed and what to do."""


class IsangError(Exception):
    """Something the user can act on; the command line prints the message and leaves with `exit_code`."""

    exit_code = 1


class UsageError(IsangError):
    """The command or a setting is wrong."""

    exit_code = 2


class InputError(IsangError):
    """A file or the data in it cannot be used."""


class OutputError(IsangError):
    """A result cannot be written."""


class EngineError(IsangError):
    """The engine that spreads the work over machines cannot be reached, or failed for good."""


class Interrupted(IsangError):
    """A signal asked the program to stop, and it stopped in good order."""

    def __init__(self, message: str, signal_number: int) -> None:
        super().__init__(message)
        self.exit_code = 128 + signal_number


class LostContact(IsangError):
    """Another process of the same training has ended, so this one cannot go on."""

    exit_code = 69  # EX_UNAVAILABLE: whoever started the processes can tell the victim from the cause
