"""Aggregates that are wrong, found and repaired."""
