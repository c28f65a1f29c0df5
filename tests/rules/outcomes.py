"""Every case's whole assessment in short lines, as it was read and approved: what a change of a rule changes, shows.

`python -m tests.rules.outcomes` writes them anew; whoever changed a rule reads the difference before committing it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from domain.assessment import to_wire
from policy.assess import assess
from policy.case_files import CaseFile, read_cases
from policy.pack_library import library

CASE_FILES = sorted((Path(__file__).parents[1] / "cases").glob("*.yaml"))
APPROVED = Path(__file__).parents[1] / "cases" / "outcomes"


def whole(case: CaseFile) -> str:
    """All that follows from a case, one line an element."""
    wire = to_wire(assess(case.facts, case.area, case.as_of, library()))
    lines = [f"{case.id} {case.as_of}"]
    for name, items in wire.items():
        lines += [f"  {name}: {_line(name, item)}" for item in items]
    return "\n".join(lines)


def _line(name: str, item: dict[str, Any]) -> str:
    if name == "decisions":
        tried = ", ".join(considered["rule"] for considered in item["considered"])
        clauses = "; ".join(source.get("article") or source["document"] for source in item["sources"])
        return f"{item['as_of']} {item['rule']}: {item['outcome']['en']} [{clauses}]" + (
            f" not {tried}" if tried else ""
        )
    because = item.get("because", {}).get("en", "")
    fields = " ".join(f"{key}={value}" for key, value in item.items() if key != "because")
    return f"{fields} ({because})"


def outcomes(file: Path) -> str:
    return "\n\n".join(whole(case) for case in read_cases(file)) + "\n"


def main() -> None:
    APPROVED.mkdir(exist_ok=True)
    for file in CASE_FILES:
        (APPROVED / f"{file.stem}.txt").write_text(outcomes(file), encoding="utf-8")


if __name__ == "__main__":
    main()
