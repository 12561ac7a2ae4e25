"""Real-time commerce analytics that a shop can trust."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from shopstream.consumer import StreamEvent, StreamRefused, StreamReset, stream

__all__ = ["StreamEvent", "StreamRefused", "StreamReset", "stream"]


def __getattr__(name: str) -> Any:
    """`stream` and its types, loaded with their first use: no command waits for an HTTP client."""
    if name not in __all__:
        raise AttributeError(f"module 'shopstream' has no attribute {name!r}")
    from shopstream import consumer

    return getattr(consumer, name)
