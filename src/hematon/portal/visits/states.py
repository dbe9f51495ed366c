"""The states and territories of the United States, by their two letters."""

from __future__ import annotations

from hematon.portal.ui.site import InBoth


def _same(name: str) -> InBoth:
    return InBoth(en=name, es=name)


def _two(english: str, spanish: str) -> InBoth:
    return InBoth(en=english, es=spanish)


STATES: dict[str, InBoth] = {
    "AL": _same("Alabama"),
    "AK": _same("Alaska"),
    "AS": _two("American Samoa", "Samoa Americana"),
    "AZ": _same("Arizona"),
    "AR": _same("Arkansas"),
    "CA": _same("California"),
    "CO": _same("Colorado"),
    "CT": _same("Connecticut"),
    "DE": _same("Delaware"),
    "DC": _two("District of Columbia", "Distrito de Columbia"),
    "FL": _same("Florida"),
    "GA": _same("Georgia"),
    "GU": _same("Guam"),
    "HI": _two("Hawaii", "Hawái"),
    "ID": _same("Idaho"),
    "IL": _same("Illinois"),
    "IN": _same("Indiana"),
    "IA": _same("Iowa"),
    "KS": _same("Kansas"),
    "KY": _same("Kentucky"),
    "LA": _two("Louisiana", "Luisiana"),
    "ME": _same("Maine"),
    "MD": _same("Maryland"),
    "MA": _same("Massachusetts"),
    "MI": _two("Michigan", "Míchigan"),
    "MN": _same("Minnesota"),
    "MS": _two("Mississippi", "Misisipi"),
    "MO": _two("Missouri", "Misuri"),
    "MT": _same("Montana"),
    "NE": _same("Nebraska"),
    "NV": _same("Nevada"),
    "NH": _two("New Hampshire", "Nuevo Hampshire"),
    "NJ": _two("New Jersey", "Nueva Jersey"),
    "NM": _two("New Mexico", "Nuevo México"),
    "NY": _two("New York", "Nueva York"),
    "NC": _two("North Carolina", "Carolina del Norte"),
    "ND": _two("North Dakota", "Dakota del Norte"),
    "MP": _two("Northern Mariana Islands", "Islas Marianas del Norte"),
    "OH": _same("Ohio"),
    "OK": _same("Oklahoma"),
    "OR": _two("Oregon", "Oregón"),
    "PA": _two("Pennsylvania", "Pensilvania"),
    "PR": _same("Puerto Rico"),
    "RI": _same("Rhode Island"),
    "SC": _two("South Carolina", "Carolina del Sur"),
    "SD": _two("South Dakota", "Dakota del Sur"),
    "TN": _same("Tennessee"),
    "TX": _same("Texas"),
    "UT": _same("Utah"),
    "VT": _same("Vermont"),
    "VI": _two("U.S. Virgin Islands", "Islas Vírgenes de los Estados Unidos"),
    "VA": _same("Virginia"),
    "WA": _same("Washington"),
    "WV": _two("West Virginia", "Virginia Occidental"),
    "WI": _same("Wisconsin"),
    "WY": _same("Wyoming"),
}


def by_name() -> list[tuple[str, str]]:
    """Give letters and name, in the order of the names in the reader's language."""
    return sorted(((key, str(name)) for key, name in STATES.items()), key=lambda pair: pair[1])
