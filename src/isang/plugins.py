"""Objects provided by other installed packages through entry points: detectors, layouts, readers and findings.

A package names an object in its pyproject.toml, for instance

    [project.entry-points."isang.detectors"]
    night_shift = "their_package.night_shift:NightShift"

and isang loads and checks it together with its own. A class is called without arguments. The groups are
`isang.detectors`, `isang.layouts`, `isang.readers` and `isang.findings`.
"""

from collections.abc import Iterable
from importlib.metadata import EntryPoint, entry_points
from typing import Any, TypeVar

from isang.errors import InputError

T = TypeVar("T")


def plugins(group: str, contract: type[T], *, taken: Iterable[str] = ()) -> tuple[T, ...]:
    """The objects behind the entry points of a group, in the order of their names.

    `contract` is the protocol that they implement; each has a `name`, which must not be in `taken`. Raises an
    InputError that names the package if an object cannot be loaded or does not implement the contract.
    """
    found: list[T] = []
    names = set(taken)
    for point in sorted(entry_points(group=group), key=lambda point: (point.name, point.value)):
        made = _loaded(point)
        _check(point, made, contract)
        if made.name in names:
            raise InputError(f"{_where(point)}: the name {made.name!r} is taken; give it a name of its own")
        names.add(made.name)
        found.append(made)
    return tuple(found)


def _loaded(point: EntryPoint) -> Any:
    try:
        found = point.load()
        return found() if isinstance(found, type) else found
    except Exception as error:  # another package's module may raise anything while it is imported
        raise InputError(
            f"{_where(point)} cannot be loaded: {type(error).__name__}: {error}; mend or uninstall that package"
        ) from error


def _check(point: EntryPoint, made: Any, contract: type[Any]) -> None:
    """Check that every member of the protocol exists, and that methods are callable."""
    members = [name for name in dir(contract) if not name.startswith("_")]
    annotated = [name for name in getattr(contract, "__annotations__", {}) if not name.startswith("_")]
    missing = sorted(name for name in {*members, *annotated} if not hasattr(made, name))
    if missing:
        raise InputError(
            f"{_where(point)} is no {contract.__name__}: it lacks {', '.join(missing)}; see docs/extending.md"
        )
    uncallable = [name for name in members if callable(getattr(contract, name)) and not callable(getattr(made, name))]
    if uncallable:
        raise InputError(f"{_where(point)}: {', '.join(uncallable)} must be a method; see docs/extending.md")
    name = made.name
    if not isinstance(name, str) or not name.isidentifier() or name != name.lower():
        raise InputError(f"{_where(point)}: its name must be lower-case letters, digits and underscores, got {name!r}")


def _where(point: EntryPoint) -> str:
    package = point.dist.name if point.dist is not None else "an unknown package"
    return f"the entry point {point.name} = {point.value} ({point.group}) of {package}"
