"""What a user can be told in one sentence."""


class Fault(Exception):
    """Something that the user can put right, or wait out; `str()` is the sentence."""
