"""Access tokens: whose request this is, by a signed JWT that is checked against the issuer's public keys."""

from __future__ import annotations

import hashlib
import json
import time
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx2
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from domain.errors import ConfigurationError, Refused, Unavailable

# Signatures by a private key only: a shared secret, or none, would let a sender sign for another.
ALGORITHMS = ("ES256", "ES384", "RS256", "PS256", "Ed25519")
_LEEWAY_SECONDS = 30
_KEYS_SECONDS = 300
# An unknown key may be a new one; but whoever makes keys up must not have them fetched again and again.
_REFRESH_SECONDS = 30
_REMEMBERED = 2048
_FETCH_SECONDS = 5


class BadToken(Refused):
    """A token that is missing, malformed, expired, or not signed by the issuer."""


class Tokens:
    """Checks tokens; a token that was checked is remembered until it expires."""

    def __init__(self, key_set: str, issuer: str, audience: str, now: Callable[[], float] = time.time) -> None:
        self._address, self._issuer, self._audience, self._now = key_set, issuer, audience, now
        self._keys: KeySet | None = None
        self._text = ""
        self._fetched = self._tried = float("-inf")
        self._known: OrderedDict[bytes, tuple[str, float]] = OrderedDict()

    async def sender(self, header: str | None) -> str:
        """The sender that an Authorization header names.

        Raises BadToken, Unavailable where the keys cannot be fetched, ConfigurationError where there are none.
        """
        scheme, _, token = (header or "").partition(" ")
        if scheme.lower() != "bearer" or not token or len(token) > 8192:
            raise BadToken(
                "an access token is expected: Authorization: Bearer …", "需要访问令牌:Authorization: Bearer …"
            )
        digest = hashlib.sha256(token.encode("utf-8", "surrogateescape")).digest()
        held = self._known.get(digest)
        if held is not None and self._now() < held[1]:
            return held[0]
        claims = await self._claims(token)
        sender = str(claims["sub"])
        self._known[digest] = (sender, float(claims["exp"]))
        while len(self._known) > _REMEMBERED:
            self._known.popitem(last=False)
        return sender

    async def _claims(self, token: str) -> dict[str, Any]:
        if self._now() - self._fetched > _KEYS_SECONDS:
            await self._fetch()
        try:
            return self._check(token)
        except BadToken:
            if self._now() - self._tried < _REFRESH_SECONDS:
                raise
        await self._fetch()
        return self._check(token)

    def _check(self, token: str) -> dict[str, Any]:
        assert self._keys is not None
        try:
            found = jwt.decode(token, self._keys, algorithms=list(ALGORITHMS)).claims
            registry = jwt.JWTClaimsRegistry(
                now=lambda: int(self._now()),
                leeway=_LEEWAY_SECONDS,
                iss={"essential": True, "value": self._issuer},
                aud={"essential": True, "value": self._audience},
                sub={"essential": True},
                exp={"essential": True},
            )
            registry.validate(found)
        except (JoseError, ValueError, KeyError, TypeError) as error:
            because = type(error).__name__
            raise BadToken(
                f"the access token is not accepted ({because}); fetch a new one", f"访问令牌无效({because});请重新获取"
            ) from None
        if not isinstance(found["sub"], str):
            raise BadToken("the access token names no sender", "访问令牌没有写明报送单位")
        return dict(found)

    async def _fetch(self) -> None:
        """The issuer's public keys, anew; those at hand go on where they cannot be fetched."""
        self._tried = self._now()
        try:
            text = await _text(self._address)
            self._keys = KeySet.import_key_set(json.loads(text))
        except (OSError, httpx2.HTTPError, ValueError, JoseError, KeyError, TypeError) as error:
            if self._keys is not None:
                self._fetched = self._now() - _KEYS_SECONDS + _REFRESH_SECONDS
                return
            if "://" in self._address:
                raise Unavailable("the token issuer's keys cannot be fetched", "无法取得令牌签发者的公钥") from None
            raise ConfigurationError(
                f"the key set {self._address} cannot be read: {type(error).__name__}; set CANBAO_KEY_SET, or run "
                "canbao dev-issuer for development",
                f"公钥集{self._address}无法读取;请设置 CANBAO_KEY_SET,开发时可运行 canbao dev-issuer",
            ) from None
        self._fetched = self._now()
        if text != self._text:
            # A key may have been taken back; who signed with it is checked again.
            self._known.clear()
        self._text = text


async def _text(address: str) -> str:
    if "://" not in address:
        return Path(address).read_text(encoding="utf-8")
    async with httpx2.AsyncClient(timeout=_FETCH_SECONDS) as client:
        answer = await client.get(address)
        answer.raise_for_status()
        return answer.text
