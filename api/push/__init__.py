"""The hub: topics to channels to subscribers."""
