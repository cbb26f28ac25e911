"""Keeps a project's generated keys in its state folder.

Which keys a project has, first rule that holds:

1. those kept in ``.backstay/keys.json``;
2. the well-known development keys, for the lone or first project, on loopback only;
3. fresh ones, generated once and kept in ``.backstay/keys.json``.

What the project's config.toml gives (``auth.jwt_secret``, ``auth.signing_keys_path`` …) then takes
the place of the key it names, and the API tokens are made anew from it.
So no two projects served together share a secret unless their files say so, and a token or key of
one is refused by the other.
"""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from typing import Final

from backstay.clock import Clock
from backstay.errors import OperatorError
from backstay.tokens.api_keys import ProjectKeys

FILE_NAME: Final = "keys.json"


def load_keys(folder: Path) -> ProjectKeys | None:
    """The keys kept in ``folder``; None when there are none. Raises ``OperatorError``."""
    path = folder / FILE_NAME
    try:
        return ProjectKeys.from_json(path.read_text("utf-8"))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, TypeError) as error:
        raise OperatorError(
            f"{path} cannot be read.", why=str(error), next=f"Restore it, or remove {path}."
        ) from error


def load_or_generate_keys(folder: Path, clock: Clock) -> ProjectKeys:
    """The keys kept in ``folder``, made and kept first when there are none.

    Two processes that start together end up with the same keys. Raises ``OperatorError``.
    """
    return load_keys(folder) or _keep(folder, ProjectKeys.generate(clock))


def save_keys(folder: Path, keys: ProjectKeys) -> None:
    """Replace the keys kept in ``folder``; the file is readable by its owner only."""
    draft = _draft(folder, keys)
    draft.replace(folder / FILE_NAME)


def _keep(folder: Path, keys: ProjectKeys) -> ProjectKeys:
    """Keep ``keys`` unless another process was first; the keys that are kept."""
    draft = _draft(folder, keys)
    try:
        with contextlib.suppress(FileExistsError):
            os.link(draft, folder / FILE_NAME)  # fails, atomically, when the file is there
    finally:
        draft.unlink()
    return load_keys(folder) or keys


def _draft(folder: Path, keys: ProjectKeys) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    draft = folder / f"{FILE_NAME}.{os.getpid()}"
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(keys.to_json())
        file.flush()
        os.fsync(file.fileno())
    return draft
