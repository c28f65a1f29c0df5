"""Which key ring the settings name."""

from __future__ import annotations

from pathlib import Path

from adapters.keys.ring import KeyProvider, LocalRing, VariableRing
from adapters.settings import Settings


def provider_of(settings: Settings) -> KeyProvider:
    """The ring of the settings; nothing is read yet. Raises ConfigurationError where Vault's library is missing."""
    kind, _, where = settings.key_ring.partition(":")
    if kind == "env" and where:
        return VariableRing(where)
    if kind == "vault" and where:
        from adapters.keys.vault import VaultRing

        return VaultRing(where)
    file = Path(settings.key_ring) if settings.key_ring else settings.key_ring_file
    return LocalRing(file, settings.cipher)
