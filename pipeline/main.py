"""The process `shopstream pipeline`."""

import asyncio
import gc
import logging
import sys
from contextlib import suppress
from typing import Any

import faust

from clickhouse.sql import load_all
from pipeline.worker import Worker
from shopstream.limits import raise_open_files
from shopstream.logs import configure
from shopstream.settings import Settings

SWITCH_SECONDS = 0.001
"""While records are decoded or unpacked in other threads, each step of the event loop waits so long for its turn, and a
batch has dozens of them. By default it is 5 ms."""
COLLECT_AT = (700, 10, 100)
"""Objects and collections after which each generation of the garbage collector is looked through; Python's own last
number is 10. Refused records are many objects, and full collections, up to 137 ms of CPU in which nothing else goes on,
took more of a flood than all that is done with it. Some 700,000 objects, 70 MB, are made and not freed before each."""


def run(settings: Settings) -> int:
    """Runs one worker until SIGTERM or SIGINT; the exit code is 0 then, and 1 after a fault.

    Raises:
        SettingsError: the port of the metrics cannot be used.
    """
    configure(settings.log_format)
    # these report every failed attempt; the worker reports an outage once in ten seconds
    for client in ("aiokafka", "kafka"):
        logging.getLogger(client).setLevel(logging.CRITICAL)
    for talkative in ("faust", "mode", "pipeline.transport"):
        logging.getLogger(talkative).setLevel(logging.WARNING)
    raise_open_files()
    load_all()
    loop = _event_loop()
    asyncio.set_event_loop(loop)
    worker = Worker(settings)
    app = worker.wire()
    give_turns()
    try:
        loop.run_until_complete(worker.open())
        driver = faust.Worker(
            app,
            loop=loop,
            loglevel="WARNING",
            override_logging=False,
            redirect_stdouts=False,
            quiet=True,
        )
        driver.spinner = None  # it writes codes for a terminal, also into a file
        driver.execute_from_commandline()
    except KeyboardInterrupt:
        return 0
    except SystemExit as leaving:
        return int(leaving.code or 0)
    return 0


def give_turns() -> None:
    """Lets the event loop go on beside threads that decode. Called once everything is loaded: that stays, and need not
    be looked through again."""
    sys.setswitchinterval(SWITCH_SECONDS)
    gc.freeze()
    gc.set_threshold(*COLLECT_AT)


def _event_loop() -> Any:
    """That of this thread; Faust makes one of the same kind for the thread of the consumer."""
    with suppress(ImportError):
        import uvloop

        asyncio.set_event_loop_policy(uvloop.EventLoopPolicy())
    return asyncio.new_event_loop()
