"""How far the reports are, and the topics as they are now."""
