"""Files of settings in YAML: read into a model, or refused with the file and the field."""

from __future__ import annotations

from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from domain.errors import ConfigurationError
from domain.yaml_reader import Document, YamlError

Model = TypeVar("Model", bound=BaseModel)


def read_model(file: Path, model: type[Model], given: dict[str, str] | None = None) -> Model:
    """The model that a file states, with what is given from elsewhere. Raises ConfigurationError."""
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
        return model.model_validate({**data, **(given or {})})
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(str(part) for part in first["loc"]) or "-"
        message = first["msg"].removeprefix("Value error, ")
        raise ConfigurationError(f"{file}, field {place}: {message}", f"{file},字段{place}:{message}") from None
