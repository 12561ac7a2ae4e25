"""The secrets with which platforms sign: one or two for each shop, so that one can follow the other."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from shopstream.contracts.values import Invalid, identifier
from shopstream.settings import PREFIX, SettingsError
from shopstream.sources import PLATFORMS

NAME = f"{PREFIX}HOOK_SECRETS"
AT_ONCE = 2
"""Secrets of a shop: each costs a pass over every body."""
Secrets = Mapping[tuple[str, str], tuple[bytes, ...]]
"""By platform and shop."""


def read_secrets(setting: str | None) -> Secrets:
    """Of `{platform: {shop: secret or [old, new]}}`, as JSON or as the path of a file that has it.

    Raises:
        SettingsError: naming the entry and the rule, never a secret.
    """
    if setting is None:
        return {}
    found: dict[tuple[str, str], tuple[bytes, ...]] = {}
    for platform, shops in _document(setting).items():
        if platform not in PLATFORMS:
            raise SettingsError(f"{NAME}: {platform[:40]!r} is not one of {', '.join(PLATFORMS)}")
        if not isinstance(shops, dict):
            raise SettingsError(f"{NAME}: {platform} must be an object of shops")
        for shop, given in shops.items():
            found[platform, _shop(platform, shop)] = _secrets(f"{platform}.{shop}", given)
    return found


def _document(setting: str) -> dict[str, Any]:
    text = setting
    if not setting.lstrip().startswith("{"):
        try:
            text = Path(setting).read_text()
        except OSError as error:
            raise SettingsError(f"{NAME}: the file cannot be read ({error.strerror})") from None
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        # the reader's own sentence may repeat what stands there
        raise SettingsError(f"{NAME}: is not JSON") from None
    if not isinstance(found, dict):
        raise SettingsError(f"{NAME}: must be an object of platforms")
    return found


def _shop(platform: str, shop: str) -> str:
    try:
        return identifier(shop)
    except Invalid as error:
        raise SettingsError(f"{NAME}: a shop of {platform} {error}") from None


def _secrets(where: str, given: object) -> tuple[bytes, ...]:
    several: list[Any] = given if isinstance(given, list) else [given]
    if not 1 <= len(several) <= AT_ONCE or not all(isinstance(s, str) and s for s in several):
        raise SettingsError(f"{NAME}: {where} must be a secret, or a list of the old and the new")
    return tuple(secret.encode() for secret in several)
