"""Load the knowledge: from the compiled form when it is current, from the files when not."""

from __future__ import annotations

import contextlib
import hashlib
import os
from functools import lru_cache
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING
from zipfile import BadZipFile

import numpy as np
import orjson

from hematon.errors import KnowledgeError
from hematon.knowledge.compiled import Knowledge

if TYPE_CHECKING:
    from hematon.knowledge.annotations import Annotations

DATA = Path(__file__).parent / "data"
COMPILED = Path(__file__).parent / "compiled_cache"
CODE = ("annotations.py", "compile.py", "compiled.py", "likelihoods.py", "records.py")


@lru_cache(maxsize=4)
def load_knowledge(folder: Path | None = None) -> Knowledge:
    """Load the clinical knowledge, frozen, cached and fingerprinted.

    Args:
        folder: folder of knowledge files; the package's own when None.

    Returns:
        The compiled knowledge.

    Raises:
        KnowledgeError: a file is missing or wrong. Carries every problem found.
    """
    data = folder or DATA
    fingerprint = fingerprint_of(data)
    cache = _cache_path(fingerprint)
    try:
        return Knowledge.from_bundle(
            orjson.loads(cache.read_bytes()), lambda: _annotations(data, cache)
        )
    except (OSError, orjson.JSONDecodeError):
        pass
    from hematon.knowledge.checks import run_checks
    from hematon.knowledge.compile import compile_knowledge
    from hematon.knowledge.files import read_files

    files = read_files(data)
    if issues := run_checks(files):
        first = f"{issues[0].where}: {issues[0].message}"
        raise KnowledgeError(
            f"{len(issues)} broken rule(s) in the knowledge files; the first: {first}", issues
        )
    content = orjson.dumps(compile_knowledge(files, fingerprint))
    with contextlib.suppress(OSError):
        _write(cache, content)
    return Knowledge.from_bundle(orjson.loads(content), lambda: _annotations(data, cache))


def _annotations(data: Path, cache: Path) -> Annotations:
    """Open the compiled annotations, or compile them from the files and keep them."""
    from hematon.knowledge.annotations import Annotations

    path = cache.with_suffix(".npz")
    try:
        return Annotations(dict(np.load(path)))
    except (OSError, ValueError, BadZipFile):
        pass
    from hematon.knowledge.annotations import compile_annotations
    from hematon.knowledge.files import read_files

    arrays = compile_annotations(read_files(data))
    content = BytesIO()
    np.savez(content, **arrays)  # type: ignore[arg-type]  # its keywords are the arrays
    with contextlib.suppress(OSError):
        _write(path, content.getvalue())
    return Annotations(arrays)


def fingerprint_of(folder: Path) -> str:
    """Give the SHA-256 over names and bytes of every knowledge file, as hex."""
    digest = hashlib.sha256()
    for path in sorted((*folder.rglob("*.yaml"), *folder.rglob("*.csv"))):
        digest.update(path.relative_to(folder).as_posix().encode() + b"\0")
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


def _cache_path(fingerprint: str) -> Path:
    code = hashlib.sha256()
    for name in CODE:
        code.update((Path(__file__).parent / name).read_bytes())
    folder = Path(os.environ.get("HEMATON_CACHE_DIR", COMPILED))
    return folder / f"{fingerprint[:20]}-{code.hexdigest()[:12]}.json"


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(f".{os.getpid()}")
    partial.write_bytes(content)
    partial.replace(path)
