-- Which event it is, within one thing of one shop: eight bytes of SHA-256 of what names it.
reinterpretAsUInt64(reverse(substring(SHA256(concat(source, '\n', event_id)), 1, 8)))
