"""Sample shops: a past of some days, then live, at most `producer.LIVE_LIMIT` events a second.

Everything follows from a seed and the hour in which the demo was first started, so the same past
gives the same events with the same ids: sent again, they change nothing.
"""
