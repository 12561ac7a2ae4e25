"""Kafka, worker processes and their sink, as the tests of the transport see them."""

import asyncio
import contextlib
import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

from aiokafka import AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

WORKER = Path(__file__).with_name("worker.py")


async def until(true, timeout=20.0, what="it"):
    """Poll `true()` until it holds; fail after `timeout` seconds."""
    end = time.monotonic() + timeout
    while not (result := true()):
        assert time.monotonic() < end, f"{what} did not happen within {timeout} s"
        await asyncio.sleep(0.02)
    return result


class Kafka:
    """Topics, records and committed offsets on one broker."""

    def __init__(self, bootstrap):
        self.bootstrap = bootstrap
        self.reached = {}

    async def __aenter__(self):
        self.admin = AIOKafkaAdminClient(bootstrap_servers=self.bootstrap)
        self.producer = AIOKafkaProducer(bootstrap_servers=self.bootstrap, linger_ms=5)
        await self.admin.start()
        await self.producer.start()
        return self

    async def __aexit__(self, *_):
        with contextlib.suppress(Exception):
            await asyncio.wait_for(self.producer.stop(), 2)
        await self.admin.close()

    async def create(self, topic, partitions):
        await self.admin.create_topics([NewTopic(topic, partitions, 1)])

    async def produce(self, topic, values, partitions):
        """Send values to the partitions in turn; returns when the broker has them."""
        sent = [
            await self.producer.send(topic, str(value).encode(), partition=number % partitions)
            for number, value in enumerate(values)
        ]
        for told in await asyncio.gather(*sent):
            reached = self.reached.setdefault((topic, told.partition), [])
            reached.append((time.time(), told.offset))

    def next_after(self, topic, partition, instant):
        """Offset after the last record that is known to have reached Kafka before `instant`."""
        reached = self.reached.get((topic, partition), [])
        return max((offset + 1 for when, offset in reached if when < instant), default=0)

    async def committed(self, group, topic, partitions):
        """Committed offset by partition, 0 where there is none."""
        tps = [TopicPartition(topic, p) for p in range(partitions)]
        found = await self.admin.list_consumer_group_offsets(group, partitions=tps)
        return [max(0, found[tp].offset) for tp in tps]

    async def until_committed(self, group, topic, expected, timeout=15.0):
        end = time.monotonic() + timeout
        while (seen := await self.committed(group, topic, len(expected))) != expected:
            assert time.monotonic() < end, f"committed {seen}, expected {expected}"
            await asyncio.sleep(0.05)


class Workers:
    """Worker processes of one group with one sink directory."""

    def __init__(self, bootstrap, directory, topic):
        self.bootstrap, self.directory, self.topic = bootstrap, directory, topic
        self.group = f"group-{topic}"
        self.processes = {}

    def start(self, name="worker", **env):
        with (self.directory / f"{name}.log").open("a") as log:
            self.processes[name] = subprocess.Popen(
                [sys.executable, WORKER, self.bootstrap, self.group, self.directory, self.topic],
                env={**os.environ, "WORKER_NAME": name, **env},
                stdout=log,
                stderr=subprocess.STDOUT,
            )

    async def stop(self, name="worker", how=signal.SIGTERM, timeout=20.0):
        """Send a signal and wait for the end; returns the exit code."""
        process = self.processes.pop(name)
        process.send_signal(how)
        try:
            return await asyncio.to_thread(process.wait, timeout)
        finally:
            process.kill()

    def end(self):
        for process in self.processes.values():
            process.kill()
            process.wait()

    @contextlib.contextmanager
    def flag(self, name):
        """While inside, the workers see the flag file (`down`, `hold`)."""
        flag = self.directory / name
        flag.touch()
        try:
            yield
        finally:
            flag.unlink()

    def query(self, sql):
        with contextlib.closing(sqlite3.connect(self.directory / "sink.db", timeout=30)) as db:
            try:
                return db.execute(sql).fetchall()
            except sqlite3.OperationalError:  # no table yet
                return []

    def seen(self):
        """How often each value reached the sink."""
        return Counter(int(value) for (value,) in self.query("SELECT value FROM seen"))

    def count(self, name=None):
        where = f"WHERE worker = '{name}'" if name else ""
        rows = self.query(f"SELECT count(*) FROM seen {where}")
        return rows[0][0] if rows else 0

    def ends(self, partitions):
        """Offset after the last of the unbroken run of offsets in the sink, by partition."""
        found = [set() for _ in range(partitions)]
        for partition, offset in self.query("SELECT partition, offset FROM seen"):
            found[partition].add(offset)
        return [next(n for n in range(len(f) + 1) if n not in f) for f in found]

    def progress(self, name="worker"):
        """(next, as_of) by partition, as the worker last wrote it."""
        path = self.directory / f"progress.{name}.json"
        told = json.loads(path.read_text())["progress"] if path.exists() else {}
        return {int(tp.rpartition(":")[2]): tuple(value) for tp, value in told.items()}

    async def watch(self, kafka, names, partitions):
        """Check until cancelled that what workers tell and commit is never more than is true."""
        while True:
            told = [(p, *said) for name in names for p, said in self.progress(name).items()]
            committed = await kafka.committed(self.group, self.topic, partitions)
            ends = self.ends(partitions)
            for partition, done, as_of in told:
                assert done <= ends[partition]
                assert kafka.next_after(self.topic, partition, as_of) <= done
            assert all(c <= e for c, e in zip(committed, ends, strict=True))
            await asyncio.sleep(0.1)
