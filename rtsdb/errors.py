"""The errors a user can meet: each carries one line that names the thing and the fix."""


class RtsdbError(Exception):
    """A run that failed: exit code 1.

    The message is one line for the person at the terminal: what failed (file, device, stage)
    and what to do about it.

    >>> RtsdbError("clip.mp4: ends after 0 frames; is the download complete?").exit_code
    1
    """

    exit_code = 1


class HangsError(RtsdbError):
    """A library or device does not come back from a call; its thread was left behind.

    The end of the process must not wait for it.
    """


class UsageError(RtsdbError):
    """A request that cannot be carried out as it was written: exit code 2.

    >>> UsageError("--sigma loud: give 'auto' or a number of grey levels, such as 25").exit_code
    2
    """

    exit_code = 2


class MissingPackageError(UsageError):
    """An optional package is absent; the message names the extra that brings it.

    >>> str(MissingPackageError("torch", extra="train"))
    "the package 'torch' is not installed: pip install 'rtsdb[train]'"
    """

    def __init__(self, package: str, *, extra: str) -> None:
        super().__init__(f"the package '{package}' is not installed: pip install 'rtsdb[{extra}]'")
