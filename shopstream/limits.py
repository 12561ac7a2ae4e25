"""How many files a process may have open: connections are files too."""

import errno
import resource

MOST = 1_048_576
"""Some systems allow a billion, and some programs go through all of them."""
EXHAUSTED = frozenset({errno.EMFILE, errno.ENFILE})


def raise_open_files() -> int:
    """Takes as many as this process may have without asking anybody, for its children too; how many that is."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MOST if hard == resource.RLIM_INFINITY else min(hard, MOST)
    if soft == resource.RLIM_INFINITY or soft >= wanted:
        return MOST if soft == resource.RLIM_INFINITY else soft
    resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    return wanted


def out_of_files(error: BaseException | None) -> bool:
    """Whether that is what an error comes from."""
    while error is not None:
        if isinstance(error, OSError) and error.errno in EXHAUSTED:
            return True
        error = error.__cause__ or error.__context__
    return False
