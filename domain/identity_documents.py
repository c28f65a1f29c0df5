"""Identity documents: which kinds there are, and whether a number can be one.

The rules of the resident ID number are those of GB 11643: 17 digits and a check character over them, with a real
date of birth that is not in the future. Division codes are not checked: old, merged and foreign ones are on real cards.
A number that stands for "we have none" (all zeros) is no number: what is missing equals nothing.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import lru_cache
from operator import mul
from typing import Literal, get_args

from domain.errors import ContractError

Kind = Literal["id_number", "birth_certificate", "residence_card", "passport", "provisional", "newborn"]
KINDS: tuple[Kind, ...] = get_args(Kind)

# Of these a person has one in a lifetime, so two different ones are two people, unless somebody decides otherwise.
ONE_IN_A_LIFETIME: tuple[Kind, ...] = ("id_number", "birth_certificate")

_ID_NUMBER = re.compile(r"[0-9]{17}[0-9X]")
_BIRTH_CERTIFICATE = re.compile(r"[A-Z][0-9]{9}")
_OLD_RESIDENCE_CARD = re.compile(r"[A-Z]{3}[0-9]{12}")
_PASSPORT = re.compile(r"[A-Z]{3}/[A-Z0-9]{5,20}")
_PROVISIONAL = re.compile(r"[0-9]{6}/[A-Z0-9]{4,30}")
_CHILD = re.compile(r"[1-9]")
_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_CHECKS = "10X98765432"


@dataclass(frozen=True, slots=True)
class IdentityDocument:
    """A document's kind and its number, in normal form. The number is personal data and is never shown."""

    kind: Kind
    number: str = field(repr=False)


def document(kind: Kind, text: str, today: date) -> IdentityDocument:
    """The document with this number, written in any width and with any spaces.

    A passport is written with its country (ISO 3166, three letters): GBR/123456789. A provisional number is written
    with the area that gave it: 130925/20260001. A newborn without papers is known by the mother's document, the day and
    the order of birth; see `newborn`. Raises ContractError, without repeating the number, when it cannot be one.
    """
    number = _normal(text)
    match kind:
        case "id_number":
            _check_id_number(number, today)
        case "birth_certificate":
            _must(
                _BIRTH_CERTIFICATE.fullmatch(number) is not None and number[1:].strip("0") != "",
                "a birth certificate number is a letter and nine digits that are not all zero",
                "出生医学证明编号为一个字母加九位数字,且不全为零",
            )
        case "passport":
            _must(
                _PASSPORT.fullmatch(number) is not None and number[4:].strip("0") != "",
                "a passport is written as country and number, such as GBR/123456789",
                "护照应写明国家代码与号码,如 GBR/123456789",
            )
        case "provisional":
            _must(
                _PROVISIONAL.fullmatch(number) is not None and number[7:].strip("0") != "",
                "a provisional number is written with the area that gave it, such as 130925/20260001",
                "临时编号应写明发放地区,如 130925/20260001",
            )
        case "residence_card":
            if not _OLD_RESIDENCE_CARD.fullmatch(number):
                _must(
                    number.startswith("9"),
                    "a permanent-residence card has 18 digits beginning with 9, or three letters and twelve digits",
                    "外国人永久居留身份证号为以9开头的18位,或三个字母加十二位数字",
                )
                _check_id_number(number, today)
                kind = "id_number"  # one card, whatever the column is called
        case "newborn":
            raise ContractError(
                "a newborn without papers is known by mother, born and order, not by a number",
                "无证件新生儿以母亲证件、出生日期与胎次识别,没有编号",
            )
    return IdentityDocument(kind, number)


def newborn(mother: IdentityDocument, born: date, order: int, today: date) -> IdentityDocument:
    """What a child without papers is known by: the mother's document, the day of birth, and the order among twins.

    Twins differ by their order, siblings by their day; a child whose mother nobody knows has no such document.
    Raises ContractError for an order that is none, for a day in the future, and for a mother without papers herself.
    """
    _must(
        1 <= order <= 9,
        "the order of birth is 1 for an only child, 2 for the second of twins, up to 9",
        "胎次:单胎为1,双胞胎第二个为2,最大为9",
    )
    _must(born <= today, "the day of birth lies in the future", "出生日期在将来")
    _must(mother.kind != "newborn", "the mother's document must have a number", "母亲证件须有编号")
    return IdentityDocument("newborn", f"{mother.kind}:{mother.number}/{born}/{order}")


def read_document(data: Mapping[str, object], today: date) -> IdentityDocument:
    """A document from its wire form: {kind, number}, or {kind: newborn, mother: {kind, number}, born, order}.

    Raises ContractError, naming the field, without repeating any value.
    """
    kind = data.get("kind")
    if kind not in KINDS:
        raise ContractError(
            f"field kind: one of {', '.join(KINDS)} is expected", f"字段 kind:应为{'、'.join(KINDS)}之一"
        )
    expected = {"kind", "mother", "born", "order"} if kind == "newborn" else {"kind", "number"}
    for name in sorted(expected ^ set(data)):
        what = (
            ("expected, but missing", "缺少") if name in expected else ("not a field of this kind", "该证件没有此字段")
        )
        raise ContractError(f"field {name[:40]}: {what[0]}", f"字段 {name[:40]}:{what[1]}")
    if kind != "newborn":
        number = data["number"]
        if not isinstance(number, str) or len(number) > 60:
            raise ContractError("field number: a text of at most 60 characters", "字段 number:应为不超过60字的文字")
        return document(kind, number, today)
    mother, born, order = data["mother"], data["born"], data["order"]
    if not isinstance(mother, Mapping):
        raise ContractError("field mother: a document is expected", "字段 mother:应为证件")
    if isinstance(order, bool) or not _CHILD.fullmatch(str(order)):
        raise ContractError("field order: a number from 1 to 9, 1 for an only child", "字段 order:1至9的整数,单胎为1")
    try:
        day = date.fromisoformat(born) if isinstance(born, str) and len(born) == len("2026-01-01") else None
    except ValueError:
        day = None
    if day is None:
        raise ContractError("field born: a day written YYYY-MM-DD", "字段 born:日期应写作 YYYY-MM-DD")
    return newborn(read_document(mother, today), day, int(str(order)), today)


def read_documents(data: Sequence[Mapping[str, object]], today: date) -> list[IdentityDocument]:
    """Documents from their wire form. Raises ContractError naming the place and the field."""
    found = []
    for place, item in enumerate(data):
        try:
            found.append(read_document(item, today))
        except ContractError as error:
            raise ContractError(f"documents[{place}], {error}", f"documents[{place}],{error.text.zh}") from None
    return found


def check_character(digits: str) -> str:
    """The check character of the first 17 digits (GB 11643, ISO 7064 MOD 11-2)."""
    total = _weighted(digits[:6], 0) + _weighted(digits[6:14], 6) + _weighted(digits[14:], 14)
    return _CHECKS[total % 11]


@lru_cache(maxsize=65536)
def _weighted(digits: str, start: int) -> int:
    """The weighted sum of some of the digits; divisions, birthdays and serial numbers come over and over."""
    return sum(map(mul, _WEIGHTS[start:], map(int, digits)))


def _check_id_number(number: str, today: date) -> None:
    if not _ID_NUMBER.fullmatch(number):
        raise ContractError("an ID number has 17 digits and a check character", "身份证号为17位数字加一位校验码")
    if number[17] != check_character(number[:17]):
        raise ContractError("the check character of the ID number is wrong", "身份证号校验码有误")
    born = _day(number[6:14])
    if born is None:
        raise ContractError(
            "the date of birth in the ID number is not a date of the calendar", "身份证号中的出生日期不存在"
        )
    if born > today:
        raise ContractError("the date of birth in the ID number lies in the future", "身份证号中的出生日期在将来")


@lru_cache(maxsize=65536)
def _day(digits: str) -> date | None:
    """A day written YYYYMMDD; files hold the same birthdays over and over."""
    try:
        return date(int(digits[:4]), int(digits[4:6]), int(digits[6:]))
    except ValueError:
        return None


def _normal(text: str) -> str:
    if not text.isascii():
        text = unicodedata.normalize("NFKC", text)
    if not text.isalnum():
        text = re.sub(r"[\s-]", "", text)
    return text.upper()


def _must(holds: bool, en: str, zh: str) -> None:
    if not holds:
        raise ContractError(en, zh)
