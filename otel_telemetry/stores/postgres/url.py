"""Where a PostgreSQL store is: a libpq URL, with one parameter of our own, the schema that the tables are in."""

from __future__ import annotations

from typing import Final, NamedTuple
from urllib.parse import parse_qsl, quote, urlencode

from otel_telemetry.errors import ConfigurationError
from otel_telemetry.stores.postgres.driver import psycopg

DEFAULT_SCHEMA: Final = "otel_telemetry"

# What a URL does not say. A peer that vanished is noticed within half a minute, one that cannot be reached in seconds.
_DEFAULTS: Final = {
    "application_name": "otel-telemetry",
    "connect_timeout": "5",
    "keepalives_idle": "15",
    "keepalives_interval": "5",
    "keepalives_count": "3",
    "tcp_user_timeout": "30000",
}

_COMMIT_TO_DISK: Final = (
    "SELECT set_config('synchronous_commit', 'on', true) WHERE current_setting('synchronous_commit') = 'off'"
)


class Place(NamedTuple):
    """A database and a schema in it. Shows no password."""

    conninfo: str
    user: str
    host: str
    database: str
    schema: str
    durable: bool = False
    """Whether commits wait for the server's disk even where its settings say otherwise."""

    def __repr__(self) -> str:
        return str(self)

    def __str__(self) -> str:
        user = f"{self.user}@" if self.user else ""
        return f"postgresql://{user}{self.host}/{self.database}?schema={self.schema}"

    def connect(self, *, autocommit: bool = True) -> psycopg.Connection:
        """Open a connection.

        Raises:
            psycopg.OperationalError: the server cannot be reached, or refuses.
        """
        # Nothing is prepared: behind a pooler, the next transaction may run in another session.
        return psycopg.connect(self.conninfo, autocommit=autocommit, prepare_threshold=None)

    @property
    def identifier(self) -> psycopg.sql.Identifier:
        """The schema's name, to be put into a statement."""
        return psycopg.sql.Identifier(self.schema)

    @property
    def address(self) -> str:
        """The store among all others: the same whoever connects, and with whatever password."""
        port = psycopg.conninfo.conninfo_to_dict(self.conninfo).get("port", "")
        return f"postgresql://{self.host}:{port}/{self.database}?schema={self.schema}"

    @property
    def begin(self) -> tuple[psycopg.sql.SQL | psycopg.sql.Composed, ...]:
        """The statements that begin a transaction that writes. They hold for it alone, as a pooler demands."""
        durably = (psycopg.sql.SQL(_COMMIT_TO_DISK),) if self.durable else ()
        return psycopg.sql.SQL("BEGIN"), self.search_path, *durably

    @property
    def search_path(self) -> psycopg.sql.Composed:
        """The statement that makes the tables' names mean those in the schema, until the transaction ends."""
        return psycopg.sql.SQL("SET LOCAL search_path TO {}").format(self.identifier)


def parse(url: str) -> Place:
    """Read ``postgresql://user:password@host:port/database?schema=name``; any parameter of libpq may follow.

    Raises:
        ConfigurationError: it cannot be read. The message has nothing of the URL, which may hold a password.
    """
    address, _, query = url.partition("?")
    parameters = dict(parse_qsl(query, keep_blank_values=True))
    schema = parameters.pop("schema", DEFAULT_SCHEMA)
    try:
        given = psycopg.conninfo.conninfo_to_dict(f"{address}?{urlencode(parameters, quote_via=quote)}")
    except psycopg.Error:
        given = {}
    settings = _DEFAULTS | {key: str(value) for key, value in given.items()}
    user, host, port, database = (settings.get(key, "") for key in ("user", "host", "port", "dbname"))
    # A password with a bare / or @ makes libpq take a part of it for something that errors show.
    split_wrongly = "@" in host + database or (port and not port.replace(",", "").isdecimal())
    if not given or not schema or split_wrongly:
        raise ConfigurationError(
            "the PostgreSQL URL cannot be read: write postgresql://user:password@host:5432/database?schema=name, "
            "with special characters percent-encoded"
        )
    return Place(psycopg.conninfo.make_conninfo(**settings), user, host, database, schema)
