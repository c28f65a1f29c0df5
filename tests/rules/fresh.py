"""For the mutants: each of them reads the packs itself, where tests elsewhere use those that are read already."""

from __future__ import annotations

from policy.pack_library import library


def pytest_sessionstart() -> None:
    """Forget the packs that were read before this process was split off."""
    library.cache_clear()
