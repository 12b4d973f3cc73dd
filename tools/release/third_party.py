"""What isang stands on and under which licences: writes THIRD_PARTY.md from what is installed.

python tools/release/third_party.py          # write it
python tools/release/third_party.py --check  # exit 1 where it is not what would be written
"""

import re
import sys
from importlib import metadata
from pathlib import Path
from typing import NamedTuple

from packaging.requirements import Requirement

LIST = Path(__file__).resolve().parents[2] / "THIRD_PARTY.md"
NOT_SHIPPED = frozenset({"dev", "docs", "mlflow", "tensorboard", "trackio", "wandb"})
"""Extras of those who work on isang; and trackers, which bring what they bring."""

LICENCES = {
    "Apache Software License": "Apache-2.0",
    "Apache 2.0": "Apache-2.0",
    "Apache License 2.0": "Apache-2.0",
    "BSD License": "BSD-3-Clause",
    "BSD": "BSD-3-Clause",
    "BSD 3-Clause License": "BSD-3-Clause",
    "3-Clause BSD License": "BSD-3-Clause",
    "MIT License": "MIT",
    "ISC License (ISCL)": "ISC",
    "Historical Permission Notice and Disclaimer (HPND)": "HPND",
    "Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0",
    "Python Software Foundation License": "PSF-2.0",
}
"""The names that packages without an SPDX expression use, and the SPDX name of each."""

ALLOWED = frozenset(
    {"0BSD", "Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "BSL-1.0", "CC0-1.0", "HPND", "ISC", "LLVM-exception", "MIT"}
    | {"MIT-0", "MIT-CMU", "MPL-2.0", "PSF-2.0", "Python-2.0", "Unlicense", "Zlib"}
)
"""Licences that let isang be used and passed on under its own, unchanged packages that they cover included."""


class Package(NamedTuple):
    """One package that isang, or one of its extras, installs."""

    name: str
    licence: str
    """SPDX expression; "unknown" where the package says nothing."""
    needed_by: str
    """`isang`, or the first of its extras that brings the package."""
    home: str


def licence(package: metadata.Distribution) -> str:
    """What a package says of its licence, as an SPDX expression; "unknown" where it says nothing usable."""
    said = package.metadata
    if expression := said.get("License-Expression"):
        return str(expression)
    names = [name.rpartition(" :: ")[2] for name in said.get_all("Classifier", []) if name.startswith("License")]
    names = [name for name in names if name != "OSI Approved"] or [(said.get("License") or "unknown").splitlines()[0]]
    return " OR ".join(dict.fromkeys(LICENCES.get(name, name) for name in names))


def is_allowed(expression: str) -> bool:
    """Whether every licence that an SPDX expression names is allowed; of alternatives one is enough."""
    return all(
        any(set(re.findall(r"[\w.+-]+", choice)) - {"WITH"} <= ALLOWED for choice in part.strip(" ()").split(" OR "))
        for part in expression.split(" AND ")
    )


def packages() -> list[Package]:
    """All packages that isang and its extras install here, by name. Extras that are not installed are left out."""
    found: dict[str, Package] = {}
    project = metadata.distribution("isang")
    extras = [extra for extra in project.metadata.get_all("Provides-Extra", []) if extra not in NOT_SHIPPED]
    for extra in ["", *sorted(extras)]:
        _add("isang", {extra}, extra or "isang", found)
    return sorted(found.values(), key=lambda package: package.name.lower())


def _add(name: str, extras: set[str], needed_by: str, found: dict[str, Package]) -> None:
    for text in metadata.distribution(name).requires or ():
        requirement = Requirement(text)
        if requirement.marker and not any(requirement.marker.evaluate({"extra": extra}) for extra in extras | {""}):
            continue
        if (key := requirement.name.lower().replace("_", "-")) in found:
            continue
        try:
            package = metadata.distribution(requirement.name)
        except metadata.PackageNotFoundError:
            continue
        found[key] = Package(package.metadata["Name"], licence(package), needed_by, _home(package))
        _add(requirement.name, set(requirement.extras), needed_by, found)


def _home(package: metadata.Distribution) -> str:
    links = dict(link.split(", ", 1) for link in package.metadata.get_all("Project-URL", []) if ", " in link)
    named = {name.lower(): link for name, link in links.items()}
    for name in ("source", "source code", "repository", "github", "homepage", "home"):
        if name in named:
            return named[name]
    return package.metadata.get("Home-page") or next(iter(links.values()), "")


def document(found: list[Package]) -> str:
    """The text of THIRD_PARTY.md."""
    rows = [f"| {each.name} | {each.licence} | {each.needed_by} | {each.home} |" for each in found]
    return "\n".join(
        [
            "# Packages that isang installs",
            "",
            "isang's wheel holds none of them: they come from the package registry, each under its own licence,",
            "which lies in its own `*.dist-info` folder. Written by `tools/release/third_party.py`; a test holds it",
            "against what is installed.",
            "",
            "| package | licence | needed by | home |",
            "| --- | --- | --- | --- |",
            *rows,
            "",
        ]
    )


def main() -> int:
    text = document(packages())
    if "--check" in sys.argv[1:]:
        return int(LIST.read_text(encoding="utf-8") != text)
    LIST.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
