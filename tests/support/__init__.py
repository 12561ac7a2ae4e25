"""Real processes, events and clients for tests; nothing here computes an expected number."""
