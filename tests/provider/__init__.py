"""An identity provider, as far as this project sees one: keys, tokens, the address of its keys."""
