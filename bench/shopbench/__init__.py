"""Measurements of the running system, one command a claim. See bench/README.md."""
