"""Which compression a client gets (RFC 9110, section 12.5.3)."""

import gzip
import re
from collections.abc import Callable

import cramjam

CODINGS: dict[str, Callable[[bytes], bytes]] = {
    "zstd": lambda content: bytes(cramjam.zstd.compress(content, level=3)),
    "br": lambda content: bytes(cramjam.brotli.compress(content, level=4)),
    "gzip": lambda content: gzip.compress(content, compresslevel=4, mtime=0),
}
"""By the name in `Content-Encoding`; of those that a client likes equally well the first is taken."""

_WEIGHT = re.compile(r"q=(0(?:\.\d{0,3})?|1(?:\.0{0,3})?)", re.ASCII | re.IGNORECASE)


def choose(accepted: str) -> str | None:
    """The coding for an `Accept-Encoding`; None for none."""
    weights = dict(map(_weight, accepted.split(",")))
    weights["gzip"] = weights.get("gzip", weights.get("x-gzip", weights.get("*", 0.0)))
    liked = {coding: weights.get(coding, weights.get("*", 0.0)) for coding in CODINGS}
    best = max(CODINGS, key=lambda coding: liked[coding])
    return best if liked[best] > 0 else None


def _weight(part: str) -> tuple[str, float]:
    """A coding and how much it is liked; a weight that cannot be read counts as 1."""
    coding, _, parameter = part.partition(";")
    found = _WEIGHT.fullmatch(parameter.replace(" ", "").replace("\t", ""))
    return coding.strip().lower(), float(found[1]) if found else 1.0
