"""The command `shopstream`: flags, and the commands that need no more than Kafka."""
