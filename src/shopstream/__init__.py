"""Real-time commerce analytics that a shop can trust."""
