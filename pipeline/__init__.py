"""Kafka bytes -> event -> batch -> rows -> tables -> windows; notices and dead letters."""
