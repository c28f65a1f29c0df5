"""The list of operators, read again when its file has changed: whoever is taken off it sees nothing any more."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from domain.errors import ConfigurationError
from domain.operators import Operators
from intake.yaml_files import read_model

_LOOK_SECONDS = 5.0


class OperatorList:
    """The operators that a file lists. Raises ConfigurationError, also later, for a file that cannot be used."""

    def __init__(self, file: Path, now: Callable[[], float] = time.monotonic) -> None:
        self._file, self._now = file, now
        self._read_at: tuple[int, int] = (0, 0)
        self._look_again = float("-inf")
        self._held = Operators(operators=())
        self.current()

    def current(self) -> Operators:
        """The list as it is now, give or take a few seconds."""
        if self._now() >= self._look_again:
            try:
                state = self._file.stat()
            except OSError:
                raise ConfigurationError(
                    f"there is no list of operators {self._file}; set CANBAO_OPERATORS to a file like "
                    "samples/operators.yaml",
                    f"没有经办人员名单{self._file};请将 CANBAO_OPERATORS 设为如 samples/operators.yaml 的文件",
                ) from None
            if (at := (state.st_mtime_ns, state.st_ino)) != self._read_at:
                self._held, self._read_at = read_model(self._file, Operators), at
            self._look_again = self._now() + _LOOK_SECONDS
        return self._held
