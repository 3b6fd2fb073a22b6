"""The one exception for everything a user can cause and mend."""


class UserError(Exception):
    """One sentence that says what is wrong, where, and what to do; ends a command with exit status 2."""
