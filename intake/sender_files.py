"""The senders that the bureau admits: a folder for each, named like it, with `sender.yaml` and `mapping.yaml`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from domain.errors import ConfigurationError, Missing
from domain.senders import Sender
from domain.yaml_reader import Document, YamlError
from intake.files.mapping import Mapping as ColumnMapping

Model = TypeVar("Model", bound=BaseModel)
SENDER, MAPPING = "sender.yaml", "mapping.yaml"


class Senders:
    """Every sender by its id."""

    def __init__(self, senders: Mapping[str, Sender], folder: Path) -> None:
        self._senders, self._folder = senders, folder

    def __iter__(self) -> Iterator[Sender]:
        return iter(self._senders.values())

    def __len__(self) -> int:
        return len(self._senders)

    def get(self, sender: str) -> Sender:
        """Raises Missing where there is no such sender."""
        if sender not in self._senders:
            raise Missing(
                f"there is no sender {sender} in {self._folder}; known are {', '.join(self._senders) or 'none'}",
                f"{self._folder}中没有报送单位{sender};已有:{'、'.join(self._senders) or '无'}",
            )
        return self._senders[sender]

    def knows(self, sender: str) -> bool:
        return sender in self._senders

    def mapping(self, sender: str) -> ColumnMapping:
        """How a sender's files are read; the columns of the contract themselves where it has no mapping of its own."""
        self.get(sender)
        file = self._folder / sender / MAPPING
        return _read(file, ColumnMapping, {}) if file.exists() else ColumnMapping()


def read_senders(folder: Path) -> Senders:
    """The senders of a folder. Raises ConfigurationError, naming file and field."""
    found = {}
    for file in sorted(folder.glob(f"*/{SENDER}")):
        sender = _read(file, Sender, {"id": file.parent.name})
        found[sender.id] = sender
    return Senders(found, folder)


def _read(file: Path, model: type[Model], given: dict[str, str]) -> Model:
    try:
        data = Document(file.read_text(encoding="utf-8")).value
    except OSError as error:
        raise ConfigurationError(f"{file}: cannot be read: {error.strerror}", f"{file}:无法读取") from None
    except UnicodeDecodeError:
        raise ConfigurationError(f"{file}: is not UTF-8", f"{file}:不是 UTF-8") from None
    except YamlError as error:
        raise ConfigurationError(f"{file}, line {error.line}: {error}", f"{file},第{error.line}行:{error}") from None
    if not isinstance(data, dict):
        raise ConfigurationError(f"{file}: a mapping of fields is expected", f"{file}:应为字段的映射")
    try:
        return model.model_validate({**data, **given})
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(str(part) for part in first["loc"]) or "-"
        message = first["msg"].removeprefix("Value error, ")
        raise ConfigurationError(f"{file}, field {place}: {message}", f"{file},字段{place}:{message}") from None
