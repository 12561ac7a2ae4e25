"""The page at `/`: one static file, nothing to build, nothing from elsewhere."""

import hashlib
from base64 import b64encode
from functools import cache
from importlib.resources import files
from re import DOTALL, findall

from fastapi import APIRouter
from starlette.responses import Response


@cache
def load() -> str:
    return files(__name__).joinpath("index.html").read_text(encoding="utf-8")


@cache
def policy() -> str:
    """Content Security Policy (level 3): only the scripts and styles in the page itself, by hash."""
    sources = {
        tag: " ".join(_hash(text) for text in findall(f"<{tag}>(.*?)</{tag}>", load(), DOTALL))
        for tag in ("script", "style")
    }
    return (
        "default-src 'none'; connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none';"
        f" frame-ancestors 'none'; script-src {sources['script']}; style-src {sources['style']}"
    )


def router() -> APIRouter:
    routes = APIRouter()
    routes.add_api_route(
        "/", show, methods=["GET", "HEAD"], response_class=Response, include_in_schema=False
    )
    return routes


async def show() -> Response:
    """The page; a token in its address stays in the browser."""
    headers = {
        "Content-Security-Policy": policy(),
        "Cache-Control": "no-cache",
        "Referrer-Policy": "no-referrer",
        "X-Content-Type-Options": "nosniff",
    }
    return Response(load(), 200, headers, "text/html")


def _hash(text: str) -> str:
    return f"'sha256-{b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
