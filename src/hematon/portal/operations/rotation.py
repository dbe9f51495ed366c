"""New keys for everything that is sealed, while the portal runs.

A ring with more than one key is a rotation that is not over: a run that was killed goes on from
what the rows themselves say, and needs no notes. A value is replaced only where the row still holds
the bytes that were opened, so nothing that somebody wrote in between is ever put back.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Final

from django.conf import settings
from django.db import connection, models, transaction

from hematon.errors import HematonError
from hematon.portal.audit.record import record
from hematon.portal.vault.fields import sealed_fields
from hematon.portal.vault.keys import Keyring, keyring, write_keyring
from hematon.portal.vault.large import sealed_keys
from hematon.portal.vault.sealing import SealBrokenError, seal, unseal

BATCH: Final = 200
GRACE_SECONDS: Final = 600
"""How long after the new key the old one stays: longer than any request or job may take, since one
that began before may still write what it read."""


class NotYetError(HematonError):
    """A key cannot be taken away now; says why."""


@dataclass(frozen=True)
class Column:
    """A place in the database that holds sealed values.

    Attributes:
        model: whose.
        name: of the field.
        needs: further fields that a value's place is written from.
        place: gives the place, from the row's key and `needs`.
    """

    model: type[models.Model]
    name: str
    needs: tuple[str, ...]
    place: Callable[..., str]

    @property
    def label(self) -> str:
        """Name it."""
        return f"{self.model._meta.label_lower}.{self.name}"


@dataclass
class Turned:
    """What a run did.

    Attributes:
        resealed: values sealed anew, by column.
        overtaken: values that somebody wrote in between; the next pass looks at them again.
        broken: places that do not open; they keep their key from being taken away.
    """

    resealed: dict[str, int] = field(default_factory=dict)
    overtaken: int = 0
    broken: list[str] = field(default_factory=list)


def columns() -> list[Column]:
    """Give every place that holds something sealed."""
    found = [Column(f.model, f.name, (), f.place) for f in sealed_fields()]
    found += [Column(k.model, k.field, k.needs, k.place) for k in sealed_keys()]
    return found


def begin() -> Keyring:
    """Add a key that seals from now on, unless a rotation is under way."""
    ring = keyring()
    if len(ring.keys) == 1:
        write_keyring(Path(settings.KEYRING_FILE), ring.with_new_key())
        with transaction.atomic():
            record(None, "keys.added", keys=2)
        ring = keyring()
    return ring


def reseal(*, passes: int = 20, after_batch: Callable[[], None] = lambda: None) -> Turned:
    """Seal everything with the active key, until a pass finds nothing more.

    Args:
        passes: how often to look for what others wrote in between.
        after_batch: called after each; proofs use it to be killed there.
    """
    done = Turned()
    for _ in range(passes):
        before, done.broken = sum(done.resealed.values()), []
        overtaken = done.overtaken
        for column in columns():
            _reseal_column(column, done, after_batch)
        if (before, overtaken) == (sum(done.resealed.values()), done.overtaken):
            break
    with transaction.atomic():
        record(None, "keys.resealed", values=sum(done.resealed.values()), broken=len(done.broken))
    return done


def _reseal_column(column: Column, done: Turned, after_batch: Callable[[], None]) -> None:
    active = keyring().active
    for batch in _batches(column, active):
        changed = []
        for raw_pk, old, needs in batch:
            place = column.place(_key(column, raw_pk), *needs)
            try:
                changed.append((seal(unseal(old, place), place), raw_pk, old))
            except SealBrokenError as error:
                done.broken.append(error.place)
        swapped = _swap(column, changed)
        done.resealed[column.label] = done.resealed.get(column.label, 0) + swapped
        done.overtaken += len(changed) - swapped
        after_batch()


def _batches(column: Column, active: str) -> Iterator[list[tuple[Any, bytes, list[Any]]]]:
    """Give what another key sealed, in the order of the rows' keys."""
    table, pk, value = _names(column)
    needs = [connection.ops.quote_name(_column(column.model, n)) for n in column.needs]
    last = None
    while True:
        sql = (
            f"SELECT {', '.join([pk, value, *needs])} FROM {table} "  # noqa: S608 - our own names
            f"WHERE {value} IS NOT NULL AND substr({value}, 2, 8) <> %s "
        )
        parameters: list[Any] = [active.encode()]
        if last is not None:
            sql += f"AND {pk} > %s "
            parameters.append(last)
        with connection.cursor() as cursor:
            cursor.execute(sql + f"ORDER BY {pk} LIMIT {BATCH}", parameters)
            rows = cursor.fetchall()
        if not rows:
            return
        last = rows[-1][0]
        yield [
            (
                row[0],
                bytes(row[1]),
                [_read(column, n, v) for n, v in zip(column.needs, row[2:], strict=True)],
            )
            for row in rows
        ]


def _column(model: type[models.Model], name: str) -> str:
    found = model._meta.get_field(name)
    assert isinstance(found, models.Field)
    return str(found.column)


def _names(column: Column) -> tuple[str, str, str]:
    """Give the names of the table, of its key and of the column, as SQL writes them."""
    meta, quote = column.model._meta, connection.ops.quote_name
    assert meta.pk is not None
    key, value = str(meta.pk.column), _column(column.model, column.name)
    return quote(meta.db_table), quote(key), quote(value)


def _key(column: Column, raw: Any) -> Any:
    pk = column.model._meta.pk
    assert pk is not None
    return pk.to_python(raw)


def _read(column: Column, name: str, raw: Any) -> Any:
    found: Any = column.model._meta.get_field(name)
    target = getattr(found, "target_field", found)
    return target.to_python(raw)


def _swap(column: Column, changed: list[tuple[bytes, Any, bytes]]) -> int:
    """Write each new value where the row still holds the old one.

    Returns:
        How many did.
    """
    table, pk, value = _names(column)
    # Our own names, as above.
    sql = f"UPDATE {table} SET {value} = %s WHERE {pk} = %s AND {value} = %s"  # noqa: S608
    swapped = 0
    with transaction.atomic(), connection.cursor() as cursor:
        for new, raw_pk, old in changed:
            cursor.execute(sql, [new, raw_pk, old])
            swapped += cursor.rowcount
    return swapped


def sample(most: int) -> Iterator[Callable[[], bytes]]:
    """Give functions that each open one sealed value; at most so many of each column."""
    for column in columns():
        for raw_pk, value, needs in next(_batches(column, "no key's"), [])[:most]:
            yield partial(unseal, value, column.place(_key(column, raw_pk), *needs))


def uses() -> dict[str, dict[str, int]]:
    """Count what each key seals: key's name, then column, then how many values."""
    found: dict[str, dict[str, int]] = {}
    for column in columns():
        table, _, value = _names(column)
        with connection.cursor() as cursor:
            cursor.execute(
                f"SELECT substr({value}, 2, 8), count(*) "  # noqa: S608 - our own names
                f"FROM {table} WHERE {value} IS NOT NULL GROUP BY 1"
            )
            for name, count in cursor.fetchall():
                by_column = found.setdefault(bytes(name).decode("ascii", "replace"), {})
                by_column[column.label] = by_column.get(column.label, 0) + count
    return found


def retire(*, grace: int = GRACE_SECONDS) -> list[str]:
    """Take away every key that nothing uses any more.

    Args:
        grace: seconds that must have passed since the ring was written.

    Returns:
        Their names.

    Raises:
        NotYetError: something still uses one, or may do so in a moment.
    """
    ring, file = keyring(), Path(settings.KEYRING_FILE)
    old = sorted(set(ring.keys) - {ring.active})
    since = time.time() - file.stat().st_mtime  # noqa: TID251 - compared with a file's own stamp
    if old and since < grace:
        raise NotYetError(
            f"the new key is {since:.0f} seconds old; what began before may still write with the "
            f"old one. Try again in {grace - since:.0f} seconds."
        )
    used = uses()
    for name in old:
        if name in used:
            where = ", ".join(f"{n} of {label}" for label, n in sorted(used[name].items()))
            raise NotYetError(f"key {name} still seals {where}: run rotate-keys again")
        ring = ring.without(name)
    if old:
        write_keyring(file, ring)
        with transaction.atomic():
            record(None, "keys.retired", keys=len(old))
    return old
