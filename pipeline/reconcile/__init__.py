"""Compares every aggregate with the stored versions that it is made of, and repairs what differs.

`audit.py` compares and repairs one table; `auditor.py` runs it in a worker, `rebuild.py` from the command line;
`repairs.py` has the rows and statements of repairs.
"""
