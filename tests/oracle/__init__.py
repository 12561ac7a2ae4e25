"""What every number must be, from the events alone: plain Python, none of the product's code.

Written from contract sections 1 to 3: `book` (the latest version of each order), `tables` (the windows),
`report` (the daily report), `compare` (each difference from what the system has, as a line of text).
"""
