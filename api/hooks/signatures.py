"""Signatures over the raw bytes of a webhook, compared in constant time. Pure.

Shopify: shopify.dev, *Verify the webhook*. WooCommerce: `WC_Webhook::generate_signature`. Stripe: docs.stripe.com,
*Verify webhook signatures manually*.
"""

import base64
import hashlib
import hmac
import re
from collections.abc import Iterable, Mapping

HEADERS = {
    "shopify": "x-shopify-hmac-sha256",
    "woocommerce": "x-wc-webhook-signature",
    "stripe": "stripe-signature",
}
"""By platform: the header of the signature."""
WINDOW_SECONDS = 300
"""How far Stripe's time may be from ours: a payload that was listened in on is of no use later."""
MAX_SIGNATURES = 8
"""Of one Stripe header: one for each secret that is being rolled."""
_TIME = re.compile(r"\d{1,12}", re.ASCII)
_NOBODYS = (b"no shop has this secret",)


def is_signed(
    platform: str,
    headers: Mapping[str, str],
    body: bytes,
    secrets: Iterable[bytes] | None,
    now: float,
) -> bool:
    """Whether any of the secrets has signed these bytes; `now` is Unix time.

    Without `secrets`, as for a shop that does not exist, the work is the same and the answer is no.
    """
    header = headers.get(HEADERS.get(platform, ""), "")
    check = _stripe if platform == "stripe" else _whole_body
    # every secret is tried, whichever fits
    found = [check(header, body, secret, now) for secret in secrets or _NOBODYS]
    return secrets is not None and any(found)


def _whole_body(header: str, body: bytes, secret: bytes, now: float) -> bool:
    wanted = base64.b64encode(hmac.digest(secret, body, hashlib.sha256))
    return hmac.compare_digest(wanted, header.strip().encode("latin-1", "replace"))


def _stripe(header: str, body: bytes, secret: bytes, now: float) -> bool:
    parts = [part.strip().partition("=") for part in header.split(",", MAX_SIGNATURES + 2)]
    times = [value for name, _, value in parts if name == "t"]
    given = [value.encode("latin-1", "replace") for name, _, value in parts if name == "v1"]
    at = times[0] if len(times) == 1 and _TIME.fullmatch(times[0]) else "0"
    mac = hmac.new(secret, f"{at}.".encode(), hashlib.sha256)
    mac.update(body)
    wanted = mac.hexdigest().encode()
    fits = [hmac.compare_digest(wanted, one) for one in given[:MAX_SIGNATURES]]
    return any(fits) and abs(now - int(at)) <= WINDOW_SECONDS
