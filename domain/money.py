"""Money: whole fen inside, yuan as a decimal string on the wire, never a float."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import BeforeValidator, PlainSerializer, WithJsonSchema

_YUAN = re.compile(r"(-?)([0-9]{1,12})(?:\.([0-9]{1,2}))?")


def fen(yuan: object) -> int:
    """Whole fen from a decimal string of yuan such as "150" or "31.50".

    Raises ValueError for floats, for more than two decimals and for anything that is not a number.
    """
    if isinstance(yuan, int) and not isinstance(yuan, bool):
        return yuan * 100
    match = _YUAN.fullmatch(yuan) if isinstance(yuan, str) else None
    if match is None:
        raise ValueError('money is a decimal string of yuan with at most two decimals, such as "150" or "31.50"')
    sign, whole, part = match.groups()
    amount = int(whole) * 100 + int((part or "").ljust(2, "0"))
    return -amount if sign else amount


def yuan(amount: int) -> str:
    """The shortest decimal string of yuan: 15000 -> "150", 3150 -> "31.50"."""
    sign, rest = ("-", -amount) if amount < 0 else ("", amount)
    whole, part = divmod(rest, 100)
    return f"{sign}{whole}.{part:02d}" if part else f"{sign}{whole}"


# Integer fen in Python; on the wire a decimal string of yuan.
Money = Annotated[
    int,
    BeforeValidator(fen),
    PlainSerializer(yuan, return_type=str),
    WithJsonSchema({"type": "string", "pattern": r"^-?\d+(\.\d{1,2})?$", "examples": ["150", "31.50"]}),
]
