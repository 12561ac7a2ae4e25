"""What `local` and the command line can tell a user in one sentence."""


class LocalFault(Exception):
    """Something that the user can put right; `str()` is the sentence."""
