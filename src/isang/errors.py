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
