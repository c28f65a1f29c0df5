"""`docs/licences.md`: every library that is installed with Canbao, with its licence, as the library itself states it.

`python -m tests.licences` prints it; `./do docs` keeps it.
"""

from __future__ import annotations

import re
from importlib.metadata import Distribution, PackageNotFoundError, distribution

from packaging.requirements import Requirement

_HEADING = """# 依赖许可 · Licences of the libraries

<!-- Made by ./do docs from what the libraries state of themselves. -->

随本项目安装的全部库及其许可。· All libraries that are installed with Canbao, and their licences; the optional extra
`vault` is marked. Libraries that only tests and checks use are not installed with it and not listed.

| 库 · library | 许可 · licence |
|---|---|
"""
_CLASSIFIER = "License :: OSI Approved :: "
_LONGEST = 60


def installed_with(name: str, extras: frozenset[str] = frozenset()) -> dict[str, Distribution]:
    """What a library needs, and what that needs, by name; itself left out."""
    found: dict[str, Distribution] = {}
    waiting = [(name, extras)]
    while waiting:
        of, wanted = waiting.pop()
        for line in distribution(of).requires or ():
            needed = Requirement(line)
            asked = wanted or {""}
            applies = needed.marker is None or any(needed.marker.evaluate({"extra": extra}) for extra in asked)
            key = re.sub(r"[-_.]+", "-", needed.name).lower()
            if not applies or key in found:
                continue
            try:
                found[key] = distribution(needed.name)
            except PackageNotFoundError:
                continue  # for another system than this one
            waiting.append((needed.name, frozenset(needed.extras)))
    return found


def licence(of: Distribution) -> str:
    """The licence that a library states: as an expression, by its classifiers, or in words."""
    data = of.metadata
    if expression := data.get_all("License-Expression"):
        return str(expression[0])
    named = [line.removeprefix(_CLASSIFIER) for line in data.get_all("Classifier") or () if _CLASSIFIER in line]
    words = str((data.get_all("License") or [""])[0]).strip()
    return ", ".join(named) or (words if words and len(words) <= _LONGEST and "\n" not in words else "see the library")


def document() -> str:
    """The document."""
    usual = installed_with("canbao")
    everything = {**installed_with("canbao", frozenset({"vault"})), **usual}
    rows = [
        f"| {name}{'' if name in usual else ' (vault)'} | {licence(found)} |"
        for name, found in sorted(everything.items())
    ]
    return _HEADING + "\n".join(rows) + "\n"


if __name__ == "__main__":
    print(document(), end="")
