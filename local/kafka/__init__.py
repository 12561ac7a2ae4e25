"""Apache Kafka on this machine: its jars and Java runtime from packages, one node in KRaft mode on loopback."""
