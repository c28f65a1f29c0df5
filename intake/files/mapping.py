"""How a sender's files are read: which of its columns is which, what its words mean, what stands in every line."""

from __future__ import annotations

import unicodedata

from pydantic import BaseModel, ConfigDict, Field, field_validator

from intake.files.labels import COLUMNS


def narrow(value: object) -> object:
    """Titles and words in the form in which cells are compared: full-width characters made narrow."""
    if isinstance(value, str):
        return unicodedata.normalize("NFKC", value).strip()
    if isinstance(value, dict):
        return {narrow(key): narrow(item) for key, item in value.items()}
    return [narrow(item) for item in value] if isinstance(value, list | tuple) else value


class TotalRow(BaseModel):
    """The line that states the file's own totals, and under which columns."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    label: str = Field(min_length=1, description="what its first cell says, such as 合计")
    headcount: str | None = None
    receipts: str | None = None
    amount: str | None = None

    @field_validator("label", mode="before")
    @classmethod
    def _narrow(cls, value: object) -> object:
        return narrow(value)


class Mapping(BaseModel):
    """The mapping file of a sender. What it leaves out is read by the contract's own names."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    columns: dict[str, str] = Field(default_factory=dict, description="the sender's title: the contract's column")
    ignore: tuple[str, ...] = Field(default=(), description="titles of columns that are not read")
    words: dict[str, dict[str, str]] = Field(default_factory=dict, description="by column: the sender's word, and ours")
    constants: dict[str, str] = Field(default_factory=dict, description="what every line states without saying it")
    heading: int = Field(default=1, ge=1, le=50, description="the line that holds the titles")
    sheet: str | None = Field(default=None, description="the sheet of an xlsx file; the first where none is named")
    total_row: TotalRow | None = None

    @field_validator("columns", "words", "ignore", mode="before")
    @classmethod
    def _narrow(cls, value: object) -> object:
        return narrow(value)

    @field_validator("columns", "constants", "words")
    @classmethod
    def _known(cls, value: dict[str, object], info: object) -> dict[str, object]:
        names = value.values() if getattr(info, "field_name", "") == "columns" else value
        for name in names:
            if name not in COLUMNS.values():
                raise ValueError(
                    f"there is no column {name}; the columns are {', '.join(dict.fromkeys(COLUMNS.values()))}"
                )
        return value
