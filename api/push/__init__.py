"""The hub: topics to rooms to subscribers."""
