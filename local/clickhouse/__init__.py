"""ClickHouse on this machine: its own HTTP and native TCP servers, from the package chdb-core, on loopback."""
