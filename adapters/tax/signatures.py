"""Whether a push comes from the tax bureau: HMAC-SHA256 over the time and the body, with a secret of both sides."""

from __future__ import annotations

import hashlib
import hmac
import re
from datetime import timedelta

from domain.errors import Refused

# A push that was caught on its way cannot be played again later than this.
TOLERANCE = timedelta(minutes=5)
_INSTANT = re.compile(r"[0-9]{1,12}")


def check(secret: str, moment: str | None, signature: str | None, body: bytes, now: float) -> None:
    """Raises Refused where a push is not signed with the secret, or not signed just now.

    `moment` and `now` are seconds since 1970.
    """
    if not moment or not signature or not _INSTANT.fullmatch(moment):
        raise Refused("the push is not signed", "推送没有签名")
    if abs(now - int(moment)) > TOLERANCE.total_seconds():
        raise Refused("the push was signed too long ago, or the clocks differ", "推送签名已过期,或两侧时钟不一致")
    expected = hmac.new(secret.encode(), moment.encode() + b"." + body, hashlib.sha256).hexdigest()
    if not hmac.compare_digest(expected.encode(), signature.lower().encode()):
        raise Refused("the signature of the push is wrong", "推送签名不符")
