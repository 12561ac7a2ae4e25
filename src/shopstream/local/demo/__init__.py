"""Sample shops: a past of some days, then live, at most `producer.LIVE_LIMIT` events a second.

Everything follows from a seed and the hour in which the demo was first started, so the same past
gives the same events with the same ids: sent again, they change nothing.

The embedded broker keeps every record in memory and frees none (it ignores `retention.ms`, and
DeleteRecords makes it drop the connection). The past takes 45 MB, a day of the demo about 130,000
records and 140 MB more.
"""
