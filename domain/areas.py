"""Administrative division codes (GB/T 2260) and how they nest: county, prefecture-level city, province, nation."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Annotated

from pydantic import StringConstraints
from stdnum import numdb

NATION = "000000"
_CODE = re.compile(r"[0-9]{6}")

# A pooling area (统筹地区): six digits of GB/T 2260, "000000" for the nation.
AreaCode = Annotated[str, StringConstraints(pattern=r"^[0-9]{6}$")]


def chain(code: str) -> tuple[str, ...]:
    """The areas whose rules apply, nearest first: 130925 -> 130925, 130900, 130000, 000000.

    Raises ValueError for anything that is not six digits.
    """
    if not _CODE.fullmatch(code):
        raise ValueError(f"{code!r} is not an area code: six digits of GB/T 2260 are expected")
    wider = (code, code[:4] + "00", code[:2] + "0000", NATION)
    return tuple(dict.fromkeys(wider))


@lru_cache(maxsize=4096)
def place_name(code: str) -> str | None:
    """The Chinese name of an area by GB/T 2260, the last one that it bore; None for a code that was never given."""
    if code == NATION:
        return "全国"
    parts = numdb.get("cn/loc").info(code)
    if len(parts) < 2 or "county" not in parts[1][1]:
        return None
    names = str(parts[1][1]["county"]).split(",")
    return _YEARS.sub("", names[-1])


_YEARS = re.compile(r"^\[[0-9-]*\]")
