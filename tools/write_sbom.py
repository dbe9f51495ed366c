"""Write what a portal is made of as CycloneDX 1.6 JSON: the locked set, as it is installed.

    python tools/write_sbom.py hematon.cdx.json

Reads requirements/portal.lock (name, version, hashes) and what is installed beside this Python
(license, dependencies). The two must agree: a package that is locked and not installed at that
version, or needed and not locked, is said and nothing is written.
"""

from __future__ import annotations

import json
import re
import sys
import uuid
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path
from typing import Any

from packaging.markers import Marker
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
LOCK = ROOT / "requirements" / "portal.lock"
_PIN = re.compile(r"^([A-Za-z0-9._-]+)==([^\s;\\]+)\s*(?:;\s*([^\\]+?))?\s*\\?$")
_HASH = re.compile(r"--hash=sha256:([0-9a-f]{64})")


class DisagreeError(SystemExit):
    """The lock and what is installed are not the same; says where."""


def locked() -> dict[str, tuple[str, list[str]]]:
    """Give what the lock pins for this machine: version and hashes by name."""
    found: dict[str, tuple[str, list[str]]] = {}
    name = ""
    for line in LOCK.read_text(encoding="utf-8").splitlines():
        pin = _PIN.match(line.strip())
        if pin is not None:
            name = ""
            if not pin[3] or Marker(pin[3]).evaluate():
                name = canonicalize_name(pin[1])
                found[name] = (pin[2], [])
        elif name:
            found[name][1].extend(_HASH.findall(line))
    return found


def needed() -> dict[str, Distribution]:
    """Give what `hematon[portal]` needs here, through all its dependencies."""
    found: dict[str, Distribution] = {}
    open_ends = [("hematon", "portal")]
    seen = set(open_ends)
    while open_ends:
        name, extra = open_ends.pop()
        try:
            found[name] = distribution(name)
        except PackageNotFoundError:
            raise DisagreeError(f"{name} is needed and not installed") from None
        for text in found[name].requires or []:
            requirement = Requirement(text)
            if requirement.marker is None or requirement.marker.evaluate({"extra": extra}):
                for wanted in requirement.extras or {""}:
                    end = (canonicalize_name(requirement.name), wanted)
                    open_ends += [] if end in seen else [end]
                    seen.add(end)
                # What an extra adds stands beside what is needed without it.
                plain = (canonicalize_name(requirement.name), "")
                open_ends += [] if plain in seen else [plain]
                seen.add(plain)
    return found


def sbom() -> dict[str, Any]:
    """Give the bill of materials.

    Raises:
        DisagreeError: the lock and what is installed are not the same.
    """
    pins, found = locked(), needed()
    own = found.pop("hematon")
    wrong = sorted(
        [f"{n} is needed and not locked" for n in found.keys() - pins.keys()]
        + [
            f"{n} is {found[n].version} and locked at {pins[n][0]}"
            for n in found.keys() & pins.keys()
            if found[n].version != pins[n][0]
        ]
    )
    # What builds the package is locked too and is part of what runs on the machine.
    for name in pins.keys() - found.keys():
        try:
            found[name] = distribution(name)
        except PackageNotFoundError:
            wrong.append(f"{name} is locked and not installed")
            continue
        if found[name].version != pins[name][0]:
            wrong.append(f"{name} is {found[name].version} and locked at {pins[name][0]}")
    if wrong:
        raise DisagreeError("\n".join(wrong))
    components = [_component(name, found[name], pins[name][1]) for name in sorted(found)]
    refs = {c["name"]: c["bom-ref"] for c in components}
    main = f"pkg:pypi/hematon@{own.version}"
    serial = uuid.uuid5(uuid.NAMESPACE_URL, json.dumps([main, *sorted(refs.values())]))
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": f"urn:uuid:{serial}",
        "version": 1,
        "metadata": {
            "component": {
                "type": "application",
                "bom-ref": main,
                "name": "hematon",
                "version": own.version,
                "purl": main,
                "licenses": [{"expression": "Apache-2.0"}],
            }
        },
        "components": components,
        "dependencies": [
            {"ref": main, "dependsOn": _needs(own, refs, "portal")},
            *({"ref": refs[n], "dependsOn": _needs(found[n], refs, "")} for n in sorted(found)),
        ],
    }


def _component(name: str, made: Distribution, hashes: list[str]) -> dict[str, Any]:
    address = f"pkg:pypi/{name}@{made.version}"
    said = made.metadata.get("License-Expression")
    classifiers = made.metadata.get_all("Classifier") or []
    names = [c.rpartition(" :: ")[2] for c in classifiers if c.startswith("License :: ")]
    licenses = [{"expression": said}] if said else [{"license": {"name": n}} for n in names]
    return {
        "type": "library",
        "bom-ref": address,
        "name": name,
        "version": made.version,
        "purl": address,
        **({"licenses": licenses} if licenses else {}),
        # Of each file the lock allows: source and built for several machines.
        "externalReferences": [
            {
                "type": "distribution",
                "url": f"https://pypi.org/project/{name}/{made.version}/",
                "hashes": [{"alg": "SHA-256", "content": h} for h in sorted(set(hashes))],
            }
        ],
    }


def _needs(made: Distribution, refs: dict[str, str], extra: str) -> list[str]:
    found = set()
    for text in made.requires or []:
        requirement = Requirement(text)
        name = canonicalize_name(requirement.name)
        marker = requirement.marker
        if (marker is None or marker.evaluate({"extra": extra})) and name in refs:
            found.add(refs[name])
    return sorted(found)


def main(words: list[str]) -> int:
    """Write the file that is named, or print."""
    text = json.dumps(sbom(), indent=1) + "\n"
    if words:
        Path(words[0]).write_text(text, encoding="utf-8")
        print(f"{words[0]}: {text.count('bom-ref') - 1} packages")
    else:
        print(text, end="")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
