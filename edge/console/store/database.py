"""One database with one writer: what waits to be written shares one transaction.

A step is a function of a connection. Each step of a batch has its own savepoint, so that one that
raises takes back only what it did itself; who asked hears of it after the commit, so that what was
told is on the medium.
"""

import asyncio
import queue
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, Final, Generic, TypeVar

from sqlalchemy import Connection, Engine, NestedTransaction, create_engine, event
from sqlalchemy.exc import ArgumentError, NoSuchModuleError, SQLAlchemyError
from sqlalchemy.pool import QueuePool

from edge.console.store import migrate, statistics
from edge.errors import EdgeError, InputError, LinkError

T = TypeVar("T")
Step = Callable[[Connection], T]

BATCH_MOST: Final = 500
_READERS: Final = 4
_BUSY_S: Final = 10
# For each connection, 16 MiB: with the 2 MiB of SQLite, what is written in the order of one index
# goes to the file and back again for the other ones.
_CACHE: Final = "cache_size=-16384"


class StoreError(LinkError):
    """The database can not be read or written now; nothing was changed."""


class Database:
    """A database that is open.

    Args:
        url: As SQLAlchemy has it: `sqlite:////folder/console.db`, `postgresql+pg8000://…`.

    Raises:
        InputError: The URL can not be used.
        StoreError: The database can not be opened.
    """

    def __init__(self, url: str) -> None:
        self._engine = _engine(url)
        self._waiting: queue.SimpleQueue[_Job[Any] | None] = queue.SimpleQueue()
        self._readers = ThreadPoolExecutor(_READERS, thread_name_prefix="edge-store-reader")
        self._writer = threading.Thread(target=self._work, name="edge-store-writer", daemon=True)
        self.batches = 0
        try:
            with self._engine.begin() as connection:
                if self.kind == "sqlite":
                    # What another process commits between our reading and writing would fail it.
                    connection.exec_driver_sql("ROLLBACK")
                    connection.exec_driver_sql("BEGIN IMMEDIATE")
                migrate.upgrade(connection)
                if self.kind == "sqlite":
                    statistics.tell(connection)
            # What was read of the tables before is not kept.
            self._engine.dispose()
        except SQLAlchemyError as error:
            self._engine.dispose()
            raise _ours(error) from error
        self._writer.start()

    @property
    def kind(self) -> str:
        """What it is: `sqlite` or `postgresql`."""
        return self._engine.dialect.name

    def close(self) -> None:
        """Write what waits, then close."""
        self._waiting.put(None)
        self._writer.join()
        self._readers.shutdown()
        self._engine.dispose()

    async def read(self, step: Step[T]) -> T:
        """Return what a step finds; it sees what was committed before.

        Raises:
            StoreError: The database can not be read now.
            EdgeError: What the step raises.
        """
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._readers, self.read_now, step)

    async def write(self, step: Step[T]) -> T:
        """Return what a step gives, once it is committed.

        Raises:
            StoreError: It could not be written; nothing was changed.
            EdgeError: What the step raises; nothing was changed.
        """
        return await asyncio.wrap_future(self._put(step))

    def read_now(self, step: Step[T]) -> T:
        """Return what a step finds; for other threads than that of the event loop."""
        try:
            with self._engine.connect() as connection:
                return step(connection)
        except SQLAlchemyError as error:
            raise _ours(error) from error

    def write_now(self, step: Step[T]) -> T:
        """Return what a step gives, once it is committed; for other threads."""
        return self._put(step).result()

    def _put(self, step: Step[T]) -> "Future[T]":
        job = _Job(step)
        self._waiting.put(job)
        return job.told

    def _work(self) -> None:
        while (first := self._waiting.get()) is not None:
            batch = [first]
            is_last = False
            while len(batch) < BATCH_MOST and not self._waiting.empty():
                following = self._waiting.get()
                if following is None:
                    is_last = True
                    break
                batch.append(following)
            self._commit(batch)
            if is_last:
                return

    def _commit(self, batch: "list[_Job[Any]]") -> None:
        self.batches += 1
        is_run = False
        try:
            with self._engine.begin() as connection:
                for job in batch:
                    job.run(connection)
                is_run = True
        except SQLAlchemyError as error:
            if is_run or len(batch) == 1:
                for job in batch:
                    job.fail(_ours(error))
                return
            # A full disk takes back the whole transaction: one step must not cost the others.
            for job in batch:
                self._commit([job])
            return
        for job in batch:
            job.tell()


def fill(url: str, step: Step[T]) -> T:
    """Return what a step gives that makes the tables and rows of a new database: all or nothing.

    Raises:
        InputError: The URL can not be used.
        StoreError: The database can not be opened or written.
        EdgeError: What the step raises.
    """
    engine = _engine(url)
    try:
        with engine.begin() as connection:
            return step(connection)
    except SQLAlchemyError as error:
        raise _ours(error) from error
    finally:
        engine.dispose()


class _Job(Generic[T]):
    """A step, and who waits for it."""

    def __init__(self, step: Step[T]) -> None:
        self.told: Future[T] = Future()
        self._step = step
        self._error: Exception | None = None

    def run(self, connection: Connection) -> None:
        """Take the step; what it raises is kept for who waits, and takes back what it did.

        Raises:
            SQLAlchemyError: The database has taken back more than that.
        """
        self._error = None
        savepoint = connection.begin_nested()
        try:
            self._found = self._step(connection)
        # Whatever a step raises is its caller's; the batch and its other steps go on.
        except Exception as error:  # noqa: BLE001
            self._error = _ours(error) if isinstance(error, SQLAlchemyError) else error
            self._take_back(savepoint, error)
        else:
            savepoint.commit()

    def _take_back(self, savepoint: NestedTransaction, error: Exception) -> None:
        try:
            savepoint.rollback()
        except SQLAlchemyError:
            if isinstance(error, SQLAlchemyError):
                raise error from None
            raise

    def fail(self, error: Exception) -> None:
        if self.told.set_running_or_notify_cancel():
            self.told.set_exception(error)

    def tell(self) -> None:
        if self._error is not None:
            self.fail(self._error)
        elif self.told.set_running_or_notify_cancel():
            self.told.set_result(self._found)


def _engine(url: str) -> Engine:
    try:
        if url.startswith("postgresql"):
            return create_engine(url, pool_size=_READERS + 1, pool_pre_ping=True)
        if not url.startswith("sqlite"):
            raise ArgumentError("neither SQLite nor PostgreSQL")
        engine = create_engine(
            url, poolclass=QueuePool, pool_size=_READERS + 1, connect_args={"timeout": _BUSY_S}
        )
    except (ArgumentError, NoSuchModuleError, ImportError) as error:
        raise InputError(
            f"{url.partition('@')[0]}: no URL of a database: {error}",
            hint="sqlite:////folder/console.db, or postgresql+pg8000://user@host/name",
        ) from error
    event.listen(engine, "connect", _set_up)
    event.listen(engine, "begin", _begin)
    return engine


def _set_up(connection: Any, _record: object) -> None:
    # Python's module begins transactions too late for savepoints: we say it ourselves.
    connection.isolation_level = None
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", _CACHE):
        connection.execute(f"PRAGMA {pragma}")


def _begin(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN")


def _ours(error: SQLAlchemyError) -> EdgeError:
    origin = getattr(error, "orig", None)
    match origin.args if isinstance(origin, Exception) else ():
        case ({"M": message}, *_more):  # what PostgreSQL says, as pg8000 tells it
            what = str(message)
        case _:
            what = str(origin or error)
    line = (what.strip().splitlines() or [type(error).__name__])[0]
    return StoreError(f"database: {line}", hint="is the disk full, or another program at work?")
