"""How fast the rules judge: a life of ten facts, one of ninety years, the growth with the facts, and loading packs."""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from datetime import date
from typing import Any

from domain.facts import Fact, parse_fact
from policy.assess import assess
from policy.pack_library import PackLibrary, load_library

_YANSHAN, _NATION = "130925", "530100"


def ten_facts() -> list[Fact]:
    """A child of Yanshan: born, renewed twice, a season of work, a claim."""
    resident = {"scheme": "resident", "area": _YANSHAN}
    facts: list[dict[str, Any]] = [
        {"type": "birth", "on": "2017-03-01", "area": _YANSHAN},
        {"type": "hukou_registered", "on": "2017-03-20", "area": _YANSHAN},
        {"type": "registered", "capacity": "newborn", "plan_year": 2017, "on": "2017-03-05", **resident},
        {"type": "paid", "amount": "150", "plan_year": 2017, "on": "2017-03-05", **resident},
        {"type": "registered", "plan_year": 2018, "on": "2017-11-10", **resident},
        {"type": "paid", "plan_year": 2018, "on": "2017-11-10", **resident},
        {"type": "registered", "plan_year": 2019, "on": "2018-11-10", **resident},
        {"type": "paid", "plan_year": 2019, "on": "2018-11-10", **resident},
        {"type": "group_granted", "group": "low_income", "on": "2018-02-01", "area": _YANSHAN},
        {"type": "benefits_used", "scheme": "resident", "on": "2018-06-01", "area": _YANSHAN},
    ]
    return [parse_fact(fact) for fact in facts]


def long_life(count: int, first_year: int, claims: int = 3, job_every: int = 5) -> list[Fact]:
    """A life of `count` facts from a year on: resident years with some claims each, now and then a season of work."""
    facts: list[dict[str, Any]] = [{"type": "birth", "on": f"{first_year}-03-01", "area": _NATION}]
    for year in range(first_year + 1, 2200):
        before = year - 1
        facts += [_resident("registered", year, f"{before}-11-10"), _resident("paid", year, f"{before}-11-12")]
        facts += [
            {"type": "benefits_used", "scheme": "resident", "on": f"{year}-{month}-05", "area": _NATION}
            for month in ("02", "03", "10")[:claims]
        ]
        if year % job_every == 0:
            facts += _season(year)
    if len(facts) < count:
        raise ValueError(f"no life that begins in {first_year} has {count} facts")
    return [parse_fact({**fact, "id": f"f{place}"}) for place, fact in enumerate(facts[:count])]


def _season(year: int) -> list[dict[str, Any]]:
    work = {"scheme": "employee", "area": _NATION}
    months = {"from_month": f"{year}-05", "to_month": f"{year}-08", "payer": "employer"}
    return [
        {"type": "employment_started", "form": "seasonal", "on": f"{year}-05-01", "area": _NATION},
        {"type": "registered", "capacity": "unit", "on": f"{year}-05-01", **work},
        {"type": "paid", "on": f"{year}-05-06", **months, **work},
        {"type": "employment_ended", "on": f"{year}-08-31", "area": _NATION},
    ]


def _resident(kind: str, year: int, on: str) -> dict[str, Any]:
    return {"type": kind, "scheme": "resident", "plan_year": year, "on": on, "area": _NATION}


def seconds(facts: list[Fact], area: str, as_of: date, library: PackLibrary, rounds: int) -> float:
    """The median time of one assessment."""
    assess(facts, area, as_of, library)
    times = []
    for _ in range(7):
        start = time.perf_counter()
        for _ in range(rounds):
            assess(facts, area, as_of, library)
        times.append((time.perf_counter() - start) / rounds)
    return statistics.median(times)


def loading() -> tuple[float, float]:
    """Milliseconds for loading every pack in a fresh process, its imports apart, and the memory that it then holds."""
    code = (
        "import time\n"
        "from policy.pack_library import load_library\n"
        "start = time.perf_counter()\n"
        "load_library()\n"
        "took = (time.perf_counter() - start) * 1000\n"
        # The kernel's own peak of this process; getrusage would count the parent from which it was split off.
        "peak = next(line for line in open('/proc/self/status') if line.startswith('VmHWM'))\n"
        "print(took, int(peak.split()[1]) / 1024)\n"
    )
    results = []
    for _ in range(5):
        answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
        results.append((float(answer[0]), float(answer[1])))
    return statistics.median(item[0] for item in results), max(item[1] for item in results)


def measure() -> None:
    """Print the figures of the rules."""
    library = load_library()
    short = seconds(ten_facts(), _YANSHAN, date(2018, 12, 31), library, 200)
    print(f"a life of ten facts: {1 / short:,.0f} assessments/s ({short * 1e6:,.0f} µs)")
    life = seconds(long_life(300, 2015, claims=1, job_every=12), _NATION, date(2105, 1, 1), library, 5)
    print(f"a life of ninety years and 300 facts: {life * 1000:.1f} ms")
    per_fact = []
    for count, rounds in ((10, 200), (100, 20), (1000, 3)):
        took = seconds(long_life(count, 2021), _NATION, date(2200, 1, 1), library, rounds)
        per_fact.append(took / count)
        print(f"  {count:>5} facts: {took * 1000:8.2f} ms, {took / count * 1e6:6.1f} µs a fact")
    print(f"  a fact of a thousand costs {per_fact[2] / per_fact[1]:.2f} times one of a hundred")
    milliseconds, megabytes = loading()
    print(f"all packs, cold: {milliseconds:.0f} ms, {megabytes:.0f} MB the whole process")
