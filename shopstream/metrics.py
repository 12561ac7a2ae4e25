"""What the metrics of every process have (Prometheus text format), and a port of their own."""

from collections.abc import Awaitable, Callable, Mapping
from importlib.metadata import version
from typing import TYPE_CHECKING

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Gauge,
    ProcessCollector,
    generate_latest,
)
from prometheus_client.core import CounterMetricFamily

from shopstream.settings import PREFIX, Settings, SettingsError

if TYPE_CHECKING:
    from aiohttp import web

Page = Callable[["web.Request"], Awaitable["web.Response"]]


def new_registry(process: str) -> CollectorRegistry:
    """With the version of the process, its memory, processor time, open files and start."""
    registry = CollectorRegistry()
    about = "1, with the version of this process"
    build = Gauge("shopstream_build_info", about, ["process", "version"], registry=registry)
    build.labels(process, version("shopstream")).set(1)
    ProcessCollector(registry=registry)
    return registry


def counted_by(
    name: str, about: str, label: str, counts: Mapping[str, float]
) -> CounterMetricFamily:
    """A counter as it is now, by the value of its label."""
    found = CounterMetricFamily(name, about, labels=[label])
    for value, count in counts.items():
        found.add_metric([value], count)
    return found


async def serve(
    registry: CollectorRegistry, settings: Settings, pages: Mapping[str, Page] | None = None
) -> "web.AppRunner":
    """Serves on the event loop of the caller; `await cleanup()` of what it returns ends it.

    Raises:
        SettingsError: the port cannot be used.
    """
    # only where metrics have a port of their own
    from aiohttp import web

    async def scrape(_: web.Request) -> web.Response:
        content = generate_latest(registry)
        return web.Response(body=content, headers={"Content-Type": CONTENT_TYPE_LATEST})

    app = web.Application()
    for path, page in {"/metrics": scrape, **(pages or {})}.items():
        app.router.add_get(path, page)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    host, port = settings.host, settings.metrics_port
    try:
        await web.TCPSite(runner, host, port).start()
    except OSError as error:
        await runner.cleanup()
        sentence = f"{PREFIX}METRICS_PORT: {host}:{port} cannot be used ({error})"
        raise SettingsError(sentence) from None
    return runner
