"""``[backstay.auth]``: how a project's own profile table takes part in GoTrue's answers."""

from __future__ import annotations

from dataclasses import dataclass

from backstay.config.declare import setting


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthProfile:
    """Off unless a project asks; applications documented with other reply shapes use it."""

    profile_table: str = setting("", "Table (schema.name) whose id is the user's id.")
    login_by: str = setting("", "Its column accepted as `username` by the password grant.")
    user_fields: tuple[str, ...] = setting((), "Its columns merged into the user object.")
    oauth_error_fields: bool = setting(
        False, "Add error and error_description to errors sent without an API version."
    )
