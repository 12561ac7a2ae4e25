"""Faust settings that the transport's promises rest on. All workers of a group share them."""

from __future__ import annotations

from typing import Any

from mode import CrashingSupervisor

SESSION_SECONDS = 10.0
HEARTBEAT_SHARE = 0.3
COMMIT_SECONDS = 1.0
BUFFERED_CHUNKS = 16
METADATA_SECONDS = 10.0
FETCH_BYTES = 4 * 1024 * 1024
NEVER = 7 * 24 * 3600.0


def settings(session_seconds: float = SESSION_SECONDS) -> dict[str, Any]:
    """Keyword arguments for `faust.App`, beside its name, `broker` and credentials."""
    return {
        "broker_session_timeout": session_seconds,
        "broker_heartbeat_interval": session_seconds * HEARTBEAT_SHARE,
        "broker_commit_interval": COMMIT_SECONDS,
        # With the default, a sink that is away for longer leaves a member that is in no group
        # and does not know it.
        "broker_max_poll_interval": NEVER,
        "consumer_auto_offset_reset": "earliest",
        # A topic deleted and made again is found only when metadata is read again.
        "consumer_metadata_max_age_ms": int(METADATA_SECONDS * 1000),
        # Per partition and fetch: 35 % more throughput than with 1 MiB.
        "consumer_max_fetch_size": FETCH_BYTES,
        # In chunks; times the chunk's size it bounds what a stream holds in memory.
        "stream_buffer_maxsize": BUFFERED_CHUNKS,
        "stream_wait_empty": True,
        # An error that leaves an agent is a fault in the program: the process ends (exit 1) and is
        # started again. A restarted agent would pass over what the old one had in hand.
        "agent_supervisor": CrashingSupervisor,
        "table_standby_replicas": 0,
        "topic_disable_leader": True,
        # Topics are made by `migrate`, with their partitions and retention.
        "topic_allow_declare": False,
        "web_enabled": False,
    }
