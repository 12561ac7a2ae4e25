"""Mutated input for a running process."""
