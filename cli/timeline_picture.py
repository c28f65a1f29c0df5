"""A picture of who was covered when: one row per person, one block of rows per area, as SVG."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from jinja2 import Environment, PackageLoader, StrictUndefined

from domain.life import Interval
from policy.counting import DAY, add_months, first_of_month

_LEFT = 110
_WIDTH = 900
_ROW = 15
_BLOCK = 46
# The room that the name of a month takes.
_LABEL = 45
_COVERED = "#2f9e6e"


@dataclass(frozen=True, slots=True)
class Person:
    name: str
    area: str
    cover: Sequence[Interval]


def draw(title: str, people: Sequence[Person], area_names: dict[str, str], why: str) -> str:
    """The picture; `why` is the attribute of an interval's reason that is shown, "zh" or "en"."""
    areas = []
    top = 44
    for area, name in area_names.items():
        rows = [person for person in people if person.area == area and person.cover]
        if not rows:
            continue
        first = first_of_month(min(span.starts for person in rows for span in person.cover))
        last = max(span.ends or span.starts for person in rows for span in person.cover)
        scale = _WIDTH / ((last - first).days + 1)
        bottom = top + 12 + _ROW * len(rows)
        areas.append(
            {
                "name": name,
                "y": top,
                "bottom": bottom,
                "months": _months(first, last, scale),
                "rows": [
                    {
                        "name": person.name,
                        "y": top + 12 + _ROW * position,
                        "bars": [_bar(span, first, scale, why) for span in person.cover],
                    }
                    for position, person in enumerate(rows)
                ],
            }
        )
        top = bottom + _BLOCK
    environment = Environment(loader=PackageLoader("cli"), autoescape=True, undefined=StrictUndefined, trim_blocks=True)
    template = environment.get_template("timeline.svg.j2")
    return template.render(title=title, width=_LEFT + _WIDTH + 30, height=top, areas=areas)


def _bar(span: Interval, first: date, scale: float, why: str) -> dict[str, object]:
    end = (span.ends or span.starts) + DAY
    return {
        "x": round(_LEFT + (span.starts - first).days * scale, 1),
        "width": round(max((end - span.starts).days * scale, 2), 1),
        "fill": _COVERED,
        "title": f"{span.starts} → {span.ends or '…'}: {getattr(span.because, why)}",
    }


def _months(first: date, last: date, scale: float) -> list[dict[str, object]]:
    months = []
    day = first
    while day <= last:
        months.append({"x": round(_LEFT + (day - first).days * scale, 1), "label": f"{day:%Y-%m}"})
        day = add_months(day, 1 if scale * 31 > _LABEL else 3)
    return months
