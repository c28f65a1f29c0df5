"""How a message is marked that could not be opened. It is handed on so, since a codec that raises wedges a life."""

from __future__ import annotations

ENCODING = "canbao/unreadable"
"""The encoding of such a payload; its data is the reason, in English."""
KIND = "kind"
"""Where the kind stands in its metadata."""
PLAIN = "plain"
"""It was never sealed."""
HEALING = ("key_missing", "keys_away")
"""Kinds that pass when the keys are back."""
START = "unreadable"
"""The key of a life whose start was never sealed: nothing of it is read."""
