"""The same child is found again however the name is written; another one is not."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from family_cast import AT, asked_for, family, linked, staff
from hematon.portal.families import access, actions, matching
from hematon.portal.families.models import Child, Granted, Proof

BORN = date(2018, 5, 20)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Lucía Pérez-Gómez", "Lucia Perez Gomez"),
        ("Lucía Pérez Gómez", "GÓMEZ PÉREZ, lucía"),
        ("Zoë O'Brien", "Zoe OBrien"),
        ("Zoë O\u2019Brien", "zoe o'brien"),
        ("Łukasz Øst", "lukasz ost"),
        ("  Ana\u00a0 María ", "Maria Ana"),
        ("José", "Jose\u0301"),
        ("Weiß", "WEISS"),
    ],
)
def test_one_name_written_in_two_ways(one: str, other: str) -> None:
    """Accents, case, hyphens, apostrophes, order and spaces do not matter."""
    assert matching.name_key(one) == matching.name_key(other)
    assert matching.child_index(one, BORN) == matching.child_index(other, BORN)


@pytest.mark.parametrize(
    ("one", "other"),
    [("Ana Ruiz", "Anna Ruiz"), ("Ana Ruiz", "Ana"), ("Jon Sample", "John Sample")],
)
def test_names_that_only_sound_alike_are_two(one: str, other: str) -> None:
    """Nothing phonetic: staff compare those by the birth date."""
    assert matching.name_key(one) != matching.name_key(other)


@given(name=st.text(max_size=60))
def test_folding_twice_is_folding_once(name: str) -> None:
    """The key of a key is itself, for any text at all."""
    assert matching.name_key(matching.name_key(name)) == matching.name_key(name)


def test_an_index_tells_nothing_and_is_for_one_use() -> None:
    """A keyed hash: neither name nor date in it, and another for each purpose."""
    found = {
        matching.child_index("Sample Child", BORN),
        matching.birth_index(BORN),
        matching.record_index("2018-05-20"),
    }
    assert len(found) == 3
    assert all(len(index) == 64 and "2018" not in index[:4] for index in found)
    assert matching.record_index("MRN 0012-34") == matching.record_index("mrn001234")
    assert matching.record_index(" -") == ""


@pytest.mark.django_db
def test_indexes_follow_a_correction() -> None:
    """A name put right is found by the right name and no longer by the wrong one."""
    child = Child.objects.create(name="Sampel Child", birth_date=BORN, made_at=AT)
    child.name = "Sample Child"
    child.save()
    assert list(access.find("child, SAMPLE", BORN)) == [child]
    assert not access.find("Sampel Child", BORN).exists()
    assert not access.find("Sample Child", date(2018, 5, 21)).exists()


@pytest.mark.django_db
def test_staff_see_who_it_could_be_the_same_names_first() -> None:
    """Children of the same birth date with a confirmed link; requests that wait are none."""
    nurse = staff()
    other = linked(family("b"), nurse)
    Child.objects.filter(pk=other.child_id)
    other.child.name = "Another Sample"
    other.child.save()
    same = linked(family("a"), nurse)
    asked_for(family("c"), child="CHILD Sample")
    link = asked_for(family("d"), child="Sample Chíld")
    found = access.candidates(link.child)
    assert [(c.child.pk, c.same_name) for c in found] == [
        (same.child.pk, True),
        (other.child.pk, False),
    ]


@pytest.mark.django_db
def test_matching_joins_the_request_to_the_child_that_is_there() -> None:
    """The row that the request made goes; nothing else of it is left."""
    nurse = staff()
    known = linked(family("a"), nurse).child
    link = asked_for(family("b"), child="sample chíld")
    before = link.child_id
    actions.confirm(
        link=link, proof_kind=Proof.RECORD, granted=Granted.FULL, by=nurse, at=AT, child=known
    )
    link.refresh_from_db()
    assert link.child == known
    assert not Child.objects.filter(pk=before).exists()
