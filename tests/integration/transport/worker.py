"""A worker process: chunks from Kafka into a SQLite file, told what to do by its environment.

    python worker.py KAFKA GROUP DIRECTORY TOPIC...

Sink: `DIRECTORY/sink.db`, table `seen`. While `DIRECTORY/down` exists, writes fail; `hold` keeps
acknowledgements back; `fault` makes the agent raise. `DIRECTORY/progress.<name>.json` is written
all the time.
"""

import asyncio
import json
import os
import sqlite3
import sys
import time
from pathlib import Path

import faust

from pipeline import transport

KAFKA, GROUP, DIRECTORY, *TOPICS = sys.argv[1:]
NAME = os.environ.get("WORKER_NAME", "worker")
HERE = Path(DIRECTORY)
SLOW = float(os.environ.get("SLOW_SECONDS", "0"))
# A worker that was killed is missed for as long.
SHORT_SESSION = {"broker_session_timeout": 2.0, "broker_heartbeat_interval": 0.4}

app = faust.App(
    GROUP,
    broker=f"kafka://{KAFKA}",
    datadir=str(HERE / f"faust-{NAME}"),
    **{**transport.settings(), **SHORT_SESSION},
)
kafka = transport.install(app)
queue: asyncio.Queue[transport.Delivery] = asyncio.Queue(maxsize=64)


def write(rows: list[tuple[object, ...]]) -> None:
    if (HERE / "down").exists():
        raise OSError("sink is down")
    time.sleep(SLOW)
    with sqlite3.connect(HERE / "sink.db", timeout=30) as base:
        base.executemany("INSERT INTO seen VALUES (?, ?, ?, ?, ?, ?)", rows)


def rows_of(batch: list[transport.Delivery]) -> list[tuple[object, ...]]:
    return [
        (r.topic, r.partition, r.offset, r.value.decode(), NAME, time.time())
        for delivery in batch
        for r in delivery.chunk.records
    ]


async def flush(batch: list[transport.Delivery]) -> None:
    while True:
        try:
            await asyncio.to_thread(write, rows_of(batch))
            break
        except OSError:
            await asyncio.sleep(0.1)
    while (HERE / "hold").exists():
        await asyncio.sleep(0.02)
    for delivery in reversed(batch):
        delivery.ack()


async def agent(stream: object) -> None:
    async for delivery in transport.deliveries(stream):
        if (HERE / "fault").exists():
            raise RuntimeError("a fault in the program")
        await queue.put(delivery)


for topic in TOPICS:
    app.agent(transport.chunk_topic(app, topic), name=f"agent-{topic}")(agent)


@app.task
async def flusher() -> None:
    while True:
        batch = [await queue.get()]
        await asyncio.sleep(0.02)
        while not queue.empty():
            batch.append(queue.get_nowait())
        await flush(batch)


@app.timer(0.05)
async def tell() -> None:
    told = {f"{tp.topic}:{tp.partition}": p for tp, p in kafka.progress().items()}
    target = HERE / f"progress.{NAME}.json"
    draft = target.with_suffix(".new")
    draft.write_text(json.dumps({"at": time.time(), "progress": told}))
    draft.replace(target)


if __name__ == "__main__":
    with sqlite3.connect(HERE / "sink.db", timeout=30) as base:
        base.execute("PRAGMA journal_mode=WAL")
        base.execute(
            "CREATE TABLE IF NOT EXISTS seen (topic, partition, offset, value, worker, at)"
        )
    faust.Worker(app, loglevel="info").execute_from_commandline()
