"""What every number must be, from the events alone: plain Python, none of the product's code.

Written from contract sections 1 to 3: `book` (every record in, everything as it now stands; a file for each
kind of thing beside it), `tables` (every table), `report` and `stock` (whole bodies, local days in `days`),
`compare` and `letters` (each difference from what the system has, as a line of text).
"""
