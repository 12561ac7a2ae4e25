"""Signs webhooks as the platforms do; shares no code with the API."""

import base64
import hmac


def sign(platform: str, secret: str, body: bytes, now: float) -> dict[str, str]:
    """The header of the signature, by its name in lower case."""
    key = secret.encode()
    if platform == "stripe":
        at = str(int(now))
        mark = hmac.new(key, at.encode() + b"." + body, "sha256").hexdigest()
        return {"stripe-signature": f"t={at},v1={mark}"}
    mark = base64.b64encode(hmac.new(key, body, "sha256").digest()).decode()
    name = {"shopify": "x-shopify-hmac-sha256", "woocommerce": "x-wc-webhook-signature"}[platform]
    return {name: mark}
