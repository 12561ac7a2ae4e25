"""Everything goes wrong at once, under load, and afterwards every number is what the oracle says.

`plan` (what happens, from a seed), `fault_injection` (does it), `keeper` (starts what ended), `outbox` (the shops),
`alert_listener` (reads the alerts), `world` (the system, and its weight), `crippled` (workers without one of their
safeguards), `verdict` (what is different in the end), `repair` (what the audit then makes of it), `run` (all of it).
The short form is tests/e2e/test_chaos.py, the long one bench/chaos.
"""
