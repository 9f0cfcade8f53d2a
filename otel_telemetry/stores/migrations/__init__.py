"""Bringing an older store up to date, with Alembic. Fresh stores are made from the DDL and need none of this.

A revision's id is the version of the schema that it leads to. Within a major version, a revision only adds.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from alembic import command
from alembic.config import Config

if TYPE_CHECKING:
    from sqlalchemy import Engine

SCRIPTS: Final = Path(__file__).parent


def configuration() -> Config:
    """Return Alembic's configuration, without a connection."""
    config = Config()
    config.set_main_option("script_location", str(SCRIPTS).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    return config


def upgrade(engine: Engine) -> None:
    """Migrate the store that `engine` leads to, in the transaction that it begins."""
    config = configuration()
    # One transaction for all revisions: a store is at one version or at another, never in between.
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
