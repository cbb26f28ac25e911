"""The options several verbs share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from backstay.config.folders import Folders, find_folders

Project = Annotated[
    Path | None,
    typer.Option(
        "--project",
        "--workdir",
        metavar="DIR",
        help="The project's folder. The current one, or one above it, by default.",
        show_default=False,
    ),
]


def folders_of(project: Path | None) -> Folders:
    """The project a verb is about. Raises ``OperatorError``."""
    return find_folders(Path() if project is None else project, upwards=project is None)
