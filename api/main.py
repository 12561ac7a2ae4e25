"""`shopstream api`: the composition root of an API process."""

import asyncio
import gc
import logging
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from socket import socket

import pyarrow as pa
import uvloop
from pydantic import SecretStr

from api.access import Access
from api.app import Deps, create_app
from api.freshness.stored import read_stored_progress
from api.freshness.topology import Watch
from api.freshness.tracker import FreshnessTracker
from api.hooks.secrets import Secrets, read_secrets
from api.ingest.sender import KafkaSender
from api.jwks import Jwks
from api.jwks_http import KeyAddress
from api.middleware import access_log
from api.peers import Peers, TicketClaims
from api.push.event_types import TOPICS
from api.push.hub import Hub
from api.push.presence import Presence, PresencePublisher
from api.push.socketio import SocketIo
from api.push.timekeeper import Timekeeper
from api.push.topic_reader import TopicReader
from api.rate import Rate
from api.reports.read_your_writes import Refusals
from api.server import PortInUse, Server, configure, connections_for, listen
from api.tickets import Tickets
from clickhouse.client import Address, ClickHouseClient
from clickhouse.sql import load_all
from clickhouse.status_maps import status_maps
from shopstream.bounded_aiokafka import bound_aiokafka
from shopstream.broker import TopicAdmin, client_options
from shopstream.contracts.topics import SETTINGS
from shopstream.disk import MIB, Disk
from shopstream.limits import raise_open_files
from shopstream.logs import Format
from shopstream.logs import configure as log_to
from shopstream.metrics import serve as serve_metrics
from shopstream.restarts import read_restarts
from shopstream.settings import Settings, SettingsError

log = logging.getLogger(__name__)

ENGINE_TIMEOUT = 5.0
ENGINE_POOL = 64
KAFKA_TIMEOUT = 2.0
ENDS = "stored progress"
"""The only background task that may."""
LEAVE_SECONDS = 0.5
"""How long each background task may take to end."""
COLLECT_AT = (700, 10, 100)
"""Objects and collections after which each generation of the garbage collector is looked through; Python's own last
number is 10. A full collection looks at every event in memory and holds up all streams, 50 to 130 ms of CPU; with 10 it
comes every few seconds under load. With 100 some 700,000 objects, 70 MB, are made and not freed before each."""


SWITCH_SECONDS = 0.001
"""A question to Kafka's administration changes threads some times; with the default each may take 5 ms, and as
long keep the event loop from its streams."""


def run(settings: Settings) -> int:
    """Serves until SIGTERM or SIGINT.

    Returns:
        The exit code: 0, 2 where the settings are not usable, 1 after an error in this program, so that
        what supervises the process starts it again.
    """
    _log_to_stderr(settings.log_format)
    load_all()
    # what is loaded stays: looking through it again keeps the event loop from its streams for 100 ms
    gc.freeze()
    gc.set_threshold(*COLLECT_AT)
    try:
        keys = Jwks(KeyAddress(settings.jwks_url).fetch) if settings.jwks_url else None
        access = Access(settings, keys, Rate(settings.rate_limit))
        secrets = read_secrets(_text(settings.hook_secrets))
        listener = listen(settings.host, settings.port)
        sys.setswitchinterval(SWITCH_SECONDS)
        bound_aiokafka()
        # Arrow's own keeps 17 MB for each thread that ever checked a megabyte of events as columns
        pa.set_memory_pool(pa.system_memory_pool())
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            return runner.run(_serve(settings, access, keys, secrets, listener))
    except (SettingsError, PortInUse) as error:
        sys.stderr.write(f"{error}\n")
        return 2


async def _serve(
    settings: Settings, access: Access, keys: Jwks | None, secrets: Secrets, listener: socket
) -> int:
    address = Address.parse(settings.clickhouse_url.get_secret_value())
    most = connections_for(raise_open_files())
    async with (
        ClickHouseClient(address, timeout=ENGINE_TIMEOUT, pool=ENGINE_POOL) as engine,
        _background(settings, engine, keys) as (hub, tracker, reader, watch, peers, failed),
    ):
        sender = KafkaSender(client_options(settings))
        refusals = Refusals(engine, client_options(settings), lambda: tracker.topology)
        deps = Deps(
            settings=settings,
            engine=engine,
            access=access,
            tickets=Tickets(
                _text(settings.ticket_secret or settings.jwt_secret), claims=TicketClaims(peers)
            ),
            tracker=tracker,
            hub=hub,
            kafka=reader.unavailable_reason,
            look=watch.fresh,
            presence=Presence(peers.name),
            keys=keys,
            sender=sender,
            hook_secrets=secrets,
            refusals=refusals,
            disk=_disk(settings),
            restarts=partial(read_restarts, settings.data_dir),
            streams=_streams(settings.streams, most),
        )
        host, port = listener.getsockname()[:2]
        shown = f"[{host}]" if ":" in host else host
        log.info("serving http://%s:%d, at most %d connections", shown, port, most)
        await _answer(deps, peers, most, listener, failed)
        await refusals.stop()
        await sender.stop()
        return 1 if failed.done() else 0


async def _answer(
    deps: Deps, peers: Peers, most: int, listener: socket, failed: asyncio.Future[None]
) -> None:
    """Serves the application until a signal, or until `failed` is done, with what streams need beside it."""
    settings, app = deps.settings, create_app(deps)
    sockets: SocketIo = app.state.sockets

    def goodbye() -> None:
        deps.hub.close()
        sockets.close()

    config = configure(
        app,
        direct=settings.push_direct,
        per_address=settings.connections_per_address,
        most=most,
        refused=app.state.refused_early,
    )
    server = Server(config, goodbye)
    scraped = await serve_metrics(app.state.metrics, settings) if settings.metrics_port else None
    failed.add_done_callback(lambda _: server.stop())
    presence_publisher = PresencePublisher(deps.presence, peers, deps.hub)
    keeper = Timekeeper(deps.hub, sockets.sweep)
    beside = [
        asyncio.create_task(keeper.run(), name="timekeeper"),
        asyncio.create_task(presence_publisher.run(), name="presence"),
    ]
    for task in beside:
        task.add_done_callback(lambda done: _crash(done, failed))
    await server.serve([listener])
    if scraped:
        await scraped.cleanup()
    for task in beside:
        task.cancel()
    await presence_publisher.stop()


@asynccontextmanager
async def _background(
    settings: Settings, engine: ClickHouseClient, keys: Jwks | None
) -> AsyncIterator[tuple[Hub, FreshnessTracker, TopicReader, Watch, Peers, asyncio.Future[None]]]:
    """What runs beside the requests: the reading of Kafka, the watch over its topics.

    The future is done once any of it has failed.
    """
    hub, tracker = Hub(time.time), FreshnessTracker()
    reader = TopicReader(client_options(settings), hub, tracker, time.time)
    watch = Watch(TopicAdmin(settings, KAFKA_TIMEOUT), TOPICS, reader.update_topology)
    peers = Peers(client_options(settings))
    loop = asyncio.get_running_loop()
    failed: asyncio.Future[None] = loop.create_future()
    watch.start(loop)
    tasks = {
        asyncio.create_task(reader.run(), name="topic reader"),
        asyncio.create_task(read_stored_progress(engine, tracker), name=ENDS),
        asyncio.create_task(peers.run(), name="peers"),
        asyncio.create_task(
            hub.words.run(lambda: status_maps(engine), lambda: tracker.positions(SETTINGS)),
            name="status words",
        ),
    }
    if keys:
        tasks.add(asyncio.create_task(keys.run(), name="keys"))
    for task in tasks:
        task.add_done_callback(lambda done: _crash(done, failed))
    try:
        yield hub, tracker, reader, watch, peers, failed
    finally:
        watch.stop()
        await peers.stop()
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks, timeout=LEAVE_SECONDS)


def _crash(task: asyncio.Task[None], failed: asyncio.Future[None]) -> None:
    if task.cancelled():
        return
    error = task.exception()
    if error is None and task.get_name() == ENDS:
        return
    log.critical("%s has ended; so does this process", task.get_name(), exc_info=error)
    if not failed.done():
        failed.set_result(None)


def _disk(settings: Settings) -> Disk | None:
    """That of `up`, where this process is one of it."""
    if not settings.data_dir.is_dir():
        return None
    return Disk(settings.data_dir, settings.disk_low_mib * MIB)


def _streams(wanted: int, most: int) -> int:
    """A quarter of the connections is left to requests."""
    return min(wanted or most, most - most // 4)


def _text(secret: SecretStr | None) -> str | None:
    return None if secret is None else secret.get_secret_value()


def _log_to_stderr(form: Format) -> None:
    log_to(form)
    # these say every failed attempt; the watch over the topics says it once
    for name in ("aiokafka", "kafka"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
    logging.getLogger("uvicorn").setLevel(logging.WARNING)
    # nothing but JSON on standard output
    access_log.propagate = False
    access_log.addHandler(logging.StreamHandler(sys.stdout))
