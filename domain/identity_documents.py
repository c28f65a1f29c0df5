"""Identity documents: which kinds there are, and whether a number can be one.

The rules of the resident ID number are those of GB 11643: 17 digits and a check character over them, with a real
date of birth that is not in the future. Division codes are not checked: old, merged and foreign ones are on real cards.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, field
from datetime import date
from typing import Literal

from domain.errors import ContractError

Kind = Literal["id_number", "birth_certificate"]

_ID_NUMBER = re.compile(r"[0-9]{17}[0-9X]")
_BIRTH_CERTIFICATE = re.compile(r"[A-Z][0-9]{9}")
_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_CHECKS = "10X98765432"


@dataclass(frozen=True, slots=True)
class IdentityDocument:
    """A document's kind and its number, in normal form. The number is personal data and is never shown."""

    kind: Kind
    number: str = field(repr=False)


def document(kind: Kind, text: str, today: date) -> IdentityDocument:
    """The document with this number, written in any width and with any spaces.

    Raises ContractError, without repeating the number, when it cannot be one.
    """
    number = re.sub(r"[\s-]", "", unicodedata.normalize("NFKC", text)).upper()
    if kind == "birth_certificate":
        if not _BIRTH_CERTIFICATE.fullmatch(number):
            raise ContractError(
                "a birth certificate number is a letter and nine digits", "出生医学证明编号为一个字母加九位数字"
            )
        return IdentityDocument(kind, number)
    if not _ID_NUMBER.fullmatch(number):
        raise ContractError("an ID number has 17 digits and a check character", "身份证号为17位数字加一位校验码")
    if number[17] != check_character(number[:17]):
        raise ContractError("the check character of the ID number is wrong", "身份证号校验码有误")
    try:
        born = date(int(number[6:10]), int(number[10:12]), int(number[12:14]))
    except ValueError:
        raise ContractError(
            "the date of birth in the ID number is not a date of the calendar", "身份证号中的出生日期不存在"
        ) from None
    if born > today:
        raise ContractError("the date of birth in the ID number lies in the future", "身份证号中的出生日期在将来")
    return IdentityDocument(kind, number)


def check_character(digits: str) -> str:
    """The check character of the first 17 digits (GB 11643, ISO 7064 MOD 11-2)."""
    return _CHECKS[sum(weight * int(digit) for weight, digit in zip(_WEIGHTS, digits, strict=True)) % 11]
