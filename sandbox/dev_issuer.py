"""A token issuer for development: client credentials in, signed tokens out. Never for production.

Key and client secrets follow from one secret in the data folder, so that nothing else has to be kept.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import json
import time
from pathlib import Path
from urllib.parse import parse_qs

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse
from joserfc import jwt
from joserfc.jwk import ECKey, KeySet

TOKEN_SECONDS = 3600
_CURVE = ec.SECP256R1()
_ALGORITHM = "ES256"


class DevelopmentIssuer:
    """Issues tokens of one issuer, for one audience."""

    def __init__(self, secret: bytes, issuer: str, audience: str) -> None:
        self._secret, self._issuer, self._audience = secret, issuer, audience
        number = int.from_bytes(hmac.digest(secret, b"signing key", "sha256"), "big") >> 1 or 1
        pem = ec.derive_private_key(number, _CURVE).private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        self._key = ECKey.import_key(pem, {"use": "sig", "alg": _ALGORITHM})
        self._key.ensure_kid()

    def token(self, sender: str, seconds: int = TOKEN_SECONDS) -> str:
        """A token of a sender, valid for so long."""
        now = int(time.time())
        claims = {"iss": self._issuer, "aud": self._audience, "sub": sender, "iat": now, "exp": now + seconds}
        return jwt.encode({"alg": _ALGORITHM, "kid": self._key.kid}, claims, self._key, algorithms=[_ALGORITHM])

    def client_secret(self, sender: str) -> str:
        """The secret with which a sender asks for tokens."""
        return hmac.digest(self._secret, f"client:{sender}".encode(), "sha256").hex()[:40]

    def key_set(self) -> str:
        """The public keys by which its tokens are checked (JWKS)."""
        return json.dumps(KeySet([self._key]).as_dict(private=False), indent=1)

    def publish(self, file: Path) -> None:
        """Write the public keys where the service looks for them."""
        file.write_text(self.key_set() + "\n", encoding="utf-8")

    def app(self) -> FastAPI:
        """Its two addresses: /token and /jwks.json."""
        app = FastAPI(title="Canbao development issuer", version="1", openapi_url=None)

        @app.get("/jwks.json")
        async def keys() -> JSONResponse:
            return JSONResponse(json.loads(self.key_set()))

        @app.post("/token")
        async def token(request: Request) -> JSONResponse:
            form = {name: values[-1] for name, values in parse_qs((await request.body()).decode("latin-1")).items()}
            client, secret = _credentials(request, form)
            if form.get("grant_type") != "client_credentials":
                return JSONResponse({"error": "unsupported_grant_type"}, 400)
            if not client or not hmac.compare_digest(secret.encode(), self.client_secret(client).encode()):
                return JSONResponse({"error": "invalid_client"}, 401, headers={"WWW-Authenticate": "Basic"})
            answer = {"access_token": self.token(client), "token_type": "Bearer", "expires_in": TOKEN_SECONDS}
            return JSONResponse(answer, headers={"Cache-Control": "no-store"})

        return app


def _credentials(request: Request, form: dict[str, str]) -> tuple[str, str]:
    """Client and secret, from the header or from the form (RFC 6749, section 2.3.1)."""
    scheme, _, text = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() == "basic":
        try:
            client, _, secret = base64.b64decode(text, validate=True).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError):
            return "", ""
        return client, secret
    return form.get("client_id", ""), form.get("client_secret", "")
