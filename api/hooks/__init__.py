"""Webhooks of shop platforms: signed payloads become events."""
