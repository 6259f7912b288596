"""What an adapter was made with, in hashes: the method's code, the libraries it computes with, the base model."""

from __future__ import annotations

import hashlib
from importlib.metadata import version
from pathlib import Path

LIBRARIES = ("torch", "transformers", "peft", "numpy", "pillow")
"""What training computes with; another version of one may round otherwise."""
UNFINISHED = (".partial", ".lock", ".tmp")


def code_version() -> dict[str, str]:
    """The method's code, as a SHA-256 of its sources, and the versions of `LIBRARIES`; imports none of them."""
    sources = hashlib.sha256()
    root = Path(__file__).parent
    for path in sorted(root.rglob("*.py")):
        sources.update(f"{path.relative_to(root).as_posix()}\0".encode())
        sources.update(path.read_bytes())
    return {"method": sources.hexdigest(), **{name: version(name) for name in LIBRARIES}}


def base_hash(base: str) -> str:
    """A SHA-256 of the files of a base model's folder; for a hub name, the commit that is in the local cache.

    Empty where neither is there.
    """
    folder = Path(base)
    if not folder.is_dir():
        return _commit_of(base)
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        if path.is_file() and path.suffix not in UNFINISHED and not path.name.startswith("."):
            digest.update(f"{path.relative_to(folder).as_posix()}\0".encode())
            with path.open("rb") as file:
                digest.update(hashlib.file_digest(file, "sha256").digest())
    return digest.hexdigest()


def _commit_of(name: str) -> str:
    from huggingface_hub import try_to_load_from_cache

    found = try_to_load_from_cache(name, "config.json")
    # The cache keeps files under snapshots/<commit>/.
    return Path(found).parent.name if isinstance(found, str) else ""
