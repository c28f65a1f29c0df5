"""Errors that a caller can act on. Each message is one sentence that says what to do."""

from __future__ import annotations


class ContractError(ValueError):
    """Input that breaks the contract of facts and cases: a field, a value or a combination that it does not admit."""


class PackError(ValueError):
    """A policy pack that cannot be used; the message names the file, the line and the key."""


class ConfigurationError(ValueError):
    """A setting, folder or secret that the program cannot work with."""


class Unavailable(RuntimeError):
    """A system that we depend on does not answer; nothing was lost, and trying again later is right."""


class Refused(RuntimeError):
    """A system that we depend on answered that it will not do this; trying again will not help."""
