"""Sample shops: a week and a day of history, then live, at most `producer.LIVE_LIMIT` events a second.

Everything follows from a seed, so the same past gives the same events with the same ids: sent again, they change
nothing. Only what fills the time while history is sent bears the time of its start.
"""
