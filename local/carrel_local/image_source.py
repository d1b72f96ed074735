"""What an image is made of, read from its Dockerfile: the same sources give the same key, so nothing is built twice."""

import fnmatch
import hashlib
import json
import shlex
from collections.abc import Iterator
from pathlib import Path


def copied(dockerfile: str) -> list[str]:
    """The paths in the build context that COPY and ADD take; copies between stages are left out."""
    found: list[str] = []
    for line in dockerfile.replace("\\\n", " ").splitlines():
        words = shlex.split(line, comments=True) if line.strip()[:4].upper() in ("COPY", "ADD ") else []
        if not words:
            continue
        options = [word for word in words[1:] if word.startswith("--")]
        rest = line.strip().split(None, 1 + len(options))[1 + len(options)]
        paths = json.loads(rest) if rest.startswith("[") else words[1 + len(options) :]
        if not any(option.startswith("--from=") for option in options):
            found += paths[:-1]
    return found


def ignored_names(dockerignore: str) -> list[str]:
    """The `**/NAME` patterns of a .dockerignore, which hold at any depth."""
    lines = [line.strip() for line in dockerignore.splitlines()]
    return [line.removeprefix("**/") for line in lines if line.startswith("**/")]


def files(context: Path, patterns: list[str], ignored: list[str]) -> Iterator[Path]:
    """The files below the context that the patterns name, in a stable order.

    Raises:
        FileNotFoundError: a pattern names nothing.
    """
    for pattern in patterns:
        matches = sorted(context.glob(pattern.removeprefix("./").rstrip("/")))
        if not matches:
            raise FileNotFoundError(f"{pattern} is not in {context}")
        for match in matches:
            inside = sorted(match.rglob("*")) if match.is_dir() else [match]
            for file in inside:
                if file.is_file() and not _is_ignored(file.relative_to(context), ignored):
                    yield file


def _is_ignored(path: Path, ignored: list[str]) -> bool:
    return any(fnmatch.fnmatch(part, name) for part in path.parts for name in ignored)


def key(dockerfile: str, context: Path, base: str) -> str:
    """A short hash of the Dockerfile, of every file it copies (name, content, whether executable) and of its base."""
    dockerignore = context / ".dockerignore"
    ignored = ignored_names(dockerignore.read_text()) if dockerignore.exists() else []
    digest = hashlib.sha256(repr((dockerfile, base)).encode())
    for file in files(context, copied(dockerfile), ignored):
        content = hashlib.sha256(file.read_bytes()).hexdigest()
        executable = bool(file.stat().st_mode & 0o100)
        digest.update(repr((str(file.relative_to(context)), content, executable)).encode())
    return digest.hexdigest()[:16]
