"""Facts in their wire form, as short to write as the tests need them; and the areas that tests live in."""

from __future__ import annotations

from typing import Any

YANSHAN, QINHUANGDAO, NANNING, JIANGXI = "130925", "130300", "450100", "360000"
KUNMING, XINING = "530100", "630100"


def birth(on: str, area: str = YANSHAN, **more: Any) -> dict[str, Any]:
    return {"type": "birth", "on": on, "area": area, **more}


def registered(on: str, year: int, area: str = YANSHAN, capacity: str = "newborn", **more: Any) -> dict[str, Any]:
    return {
        "type": "registered",
        "scheme": "resident",
        "capacity": capacity,
        "plan_year": year,
        "on": on,
        "area": area,
        **more,
    }


def paid(on: str, year: int, area: str = YANSHAN, **more: Any) -> dict[str, Any]:
    return {"type": "paid", "scheme": "resident", "plan_year": year, "on": on, "area": area, **more}
