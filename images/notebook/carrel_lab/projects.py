"""The team's files, mounted below /projects, are shown in the home as ``~/projects``."""

from pathlib import Path

MOUNTED = Path("/projects")


def link(home: Path, mounted: Path = MOUNTED) -> str | None:
    """Show the projects in the home while there are any; the result is a sentence about what was in the way."""
    shown = home / "projects"
    try:
        wanted = mounted.is_dir() and any(mounted.iterdir())
        ours = shown.is_symlink() and shown.readlink() == mounted
        if ours and not wanted:
            shown.unlink()
        elif wanted and not ours:
            if shown.is_symlink() or shown.exists():
                return f"Projects are in {mounted}: the home has a '{shown.name}' of its own, which was left alone."
            shown.symlink_to(mounted, target_is_directory=True)
    except OSError as error:
        return f"Projects are in {mounted}: they could not be shown in the home ({error.strerror})."
    return None
