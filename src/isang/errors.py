"""The errors a user can meet. Each message says what came, what was allowed and what to do."""


class IsangError(Exception):
    """An error the user can act on; the command line prints the message and exits with `exit_code`."""

    exit_code = 1


class UsageError(IsangError):
    """The command or a setting is wrong."""

    exit_code = 2


class InputError(IsangError):
    """A file or the data in it cannot be used."""


class OutputError(IsangError):
    """A result cannot be written."""


class EngineError(IsangError):
    """The engine that distributes the work over machines cannot be reached, or failed permanently."""


class Interrupted(IsangError):
    """A signal asked the program to stop, and it shut down gracefully."""

    def __init__(self, message: str, signal_number: int) -> None:
        super().__init__(message)
        self.exit_code = 128 + signal_number


class LostContact(IsangError):
    """Another process of the same training has ended, so this one cannot continue."""

    exit_code = 69  # EX_UNAVAILABLE: lets the launcher distinguish the victim from the cause
