"""Puts `tests/` on the import path: `support` and `oracle` are shared by several folders."""
