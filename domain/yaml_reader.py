"""YAML as our files use it: 1.2 booleans, no duplicate keys, dates as dates, and the line of every key.

PyYAML reads YAML 1.1, in which `on` and `no` are booleans and the last of two equal keys wins silently; both would
change a rule without a word.
"""

from __future__ import annotations

import re
from collections.abc import Hashable
from datetime import date
from typing import Any

import yaml

_INTEGER = re.compile(r"[-+]?(0|[1-9]\d*)")
_FLOAT = re.compile(r"[-+]?(\d+\.\d*|\.\d+)([eE][-+]?\d+)?")
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
_WORDS: dict[str, Any] = {"true": True, "false": False, "null": None, "~": None, "": None}

Path = tuple[str | int, ...]


class YamlError(ValueError):
    """Text that is not the YAML we read; `line` counts from 1."""

    def __init__(self, message: str, line: int) -> None:
        super().__init__(message)
        self.line = line


class Document:
    """A YAML document: its value, and on which line each part of it stands."""

    def __init__(self, text: str) -> None:
        self._lines: dict[Path, int] = {}
        try:
            root = yaml.compose(text, Loader=yaml.CSafeLoader)
        except yaml.MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            raise YamlError(str(error.problem or error.context), mark.line + 1 if mark else 1) from None
        except (yaml.YAMLError, ValueError) as error:
            raise YamlError(str(error), 1) from None
        self.value: Any = None if root is None else self._build(root, ())

    def line(self, path: Path) -> int:
        """The line of the part at `path`, or of the nearest part around it."""
        while path and path not in self._lines:
            path = path[:-1]
        return self._lines.get(path, 1)

    def _build(self, node: yaml.Node, path: Path) -> Any:
        self._lines.setdefault(path, node.start_mark.line + 1)
        if isinstance(node, yaml.MappingNode):
            mapping: dict[Hashable, Any] = {}
            for key_node, value_node in node.value:
                line = key_node.start_mark.line + 1
                key = self._build(key_node, path)
                if isinstance(key, dict | list):
                    raise YamlError("a key must be a single word or number", line)
                if key in mapping:
                    raise YamlError(f"the key {key} stands here twice", line)
                self._lines[(*path, key)] = line
                mapping[key] = self._build(value_node, (*path, key))
            return mapping
        if isinstance(node, yaml.SequenceNode):
            return [self._build(item, (*path, number)) for number, item in enumerate(node.value)]
        assert isinstance(node, yaml.ScalarNode)
        return self._scalar(node)

    @staticmethod
    def _scalar(node: yaml.ScalarNode) -> Any:
        text: str = node.value
        if node.style in ("'", '"', "|", ">"):
            return text
        if text.lower() in _WORDS and text in (text.lower(), text.capitalize(), text.upper()):
            return _WORDS[text.lower()]
        if _INTEGER.fullmatch(text):
            return int(text)
        if _FLOAT.fullmatch(text):
            return float(text)
        if _DATE.fullmatch(text):
            try:
                return date.fromisoformat(text)
            except ValueError:
                raise YamlError(f"{text} is not a date of the calendar", node.start_mark.line + 1) from None
        return text
