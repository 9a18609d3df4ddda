"""Recommendations as rows of a SQL table, one transaction a run."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import pyarrow as pa
import sqlalchemy as sa
from sqlalchemy.exc import ArgumentError, NoSuchModuleError, SQLAlchemyError
from sqlalchemy.exc import DataError as DatabaseDataError
from sqlalchemy.pool import NullPool

from tfrs_mtl.batch.sinks.columns import mismatches, rows_of, table_of
from tfrs_mtl.batch.sinks.protocol import RUN_ID, Batches, Written, pieces, require_columns
from tfrs_mtl.errors import DataError, RequestError, StoreError


@dataclass(frozen=True)
class SqlSink:
    """Appends runs to a table of any database that SQLAlchemy reaches; a repeated run replaces itself.

    Attributes:
        url: the database; never shown, for it may hold a password.
        table: the table's name, which is made when it is missing.
    """

    url: sa.URL = field(repr=False)
    table: str

    @classmethod
    def at(cls, url: str, *, table: str) -> SqlSink:
        """Return the sink of a SQLAlchemy URL; nothing is connected yet.

        Raises:
            RequestError: the URL cannot be read, or nothing installed speaks to such a database.
        """
        try:
            parsed = sa.make_url(url)
            parsed.get_dialect().import_dbapi()
        except NoSuchModuleError as error:
            raise RequestError(f"no database dialect {parsed.drivername!r} is installed") from error
        except (ArgumentError, ValueError):
            # Without the cause: it may quote the URL, and with it the password.
            raise RequestError(
                "the database URL cannot be read; expected dialect+driver://user:password@host/database, "
                "with special characters of the password percent-encoded"
            ) from None
        except ImportError as error:
            raise RequestError(
                f"{parsed.drivername!r} needs a driver that is not installed: {error}"
            ) from error
        return cls(parsed, table)

    @property
    def target(self) -> str:
        """The database and table, without credentials and options."""
        host = f"{self.url.host or ''}{f':{self.url.port}' if self.url.port else ''}"
        return f"{self.url.drivername}://{host}/{self.url.database or ''} table {self.table}"

    def write(self, batches: Batches, *, schema: pa.Schema, run_id: str) -> Written:
        """Write one run in one transaction; see ``Sink.write``."""
        require_columns(schema)
        table, rows = table_of(schema, self.table), 0
        with self._translated(), self._connected() as connection:
            self._prepare(connection, table)
            connection.execute(sa.delete(table).where(table.c[RUN_ID] == run_id))
            zoned = connection.dialect.name == "postgresql"
            for piece in pieces(batches, schema=schema, run_id=run_id):
                connection.execute(sa.insert(table), rows_of(piece, zoned=zoned))
                rows += len(piece)
        return Written(rows, self.target)

    @contextmanager
    def _connected(self) -> Iterator[sa.Connection]:
        """Yield a connection in a transaction that is committed when the block ends well."""
        # hide_parameters keeps the rows out of error messages and logs.
        engine = sa.create_engine(self.url, poolclass=NullPool, hide_parameters=True)
        with engine.begin() as connection:
            yield connection

    def _prepare(self, connection: sa.Connection, table: sa.Table) -> None:
        """Make the table, or check that the one that is there has the columns."""
        inspector = sa.inspect(connection)
        if not inspector.has_table(table.name, schema=table.schema):
            table.create(connection)
            return
        found = inspector.get_columns(table.name, schema=table.schema)
        differences = mismatches(table, found, connection.dialect)
        if differences:
            raise DataError(
                f"{self.target} exists with other columns: {'; '.join(differences)}; "
                "write to another table, or drop or alter this one"
            )

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except SQLAlchemyError as error:
            message = self._without_secrets(str(getattr(error, "orig", None) or error))
            # A driver may quote the connection string; then its error must not be printed as the cause.
            cause = error if self._without_secrets(str(error)) == str(error) else None
            kind = DataError if isinstance(error, DatabaseDataError) else StoreError
            raise kind(f"{self.target}: {message}; its content is as it was") from cause

    def _without_secrets(self, text: str) -> str:
        secrets = [self.url.password, *self.url.query.values()]
        for secret in secrets:
            if isinstance(secret, str) and secret:
                text = text.replace(secret, "***")
        return text
