"""The world's mistakes: a sentence for the user and an exit code, as in the C programs."""

BAD_USAGE = 64
BAD_INPUT = 65
MISSING = 69
INTERNAL = 70
CANNOT_CREATE = 73
WRITE_FAILED = 74


class Failure(Exception):
    """What went wrong, where, and what to do about it, in one sentence."""

    def __init__(self, code, text):
        super().__init__(text)
        self.code = code
