"""The senders that the bureau admits: a folder for each, named like it, with `sender.yaml` and `mapping.yaml`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from domain.errors import Missing
from domain.senders import Sender
from intake.files.mapping import Mapping as ColumnMapping
from intake.yaml_files import read_model

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
        return read_model(file, ColumnMapping) if file.exists() else ColumnMapping()


def read_senders(folder: Path) -> Senders:
    """The senders of a folder. Raises ConfigurationError, naming file and field."""
    found = {}
    for file in sorted(folder.glob(f"*/{SENDER}")):
        sender = read_model(file, Sender, {"id": file.parent.name})
        found[sender.id] = sender
    return Senders(found, folder)
