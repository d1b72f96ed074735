"""Whether what is seen already is what is wanted: one question for every kind of object, never asked field by field."""

from collections.abc import Mapping, Sequence


def covers(seen: object, wanted: object) -> bool:
    """Whether everything in ``wanted`` is in ``seen`` too; what Kubernetes or others added does not count.

    Kubernetes drops what is empty, so an empty wish is fulfilled by nothing. Lists are compared place by
    place, except lists of references, which have a uid: those may hold others' entries too.
    """
    if isinstance(wanted, Mapping):
        there = seen if isinstance(seen, Mapping) else {}
        return (seen is None or there is seen) and all(
            covers(there.get(key), each) for key, each in wanted.items()
        )
    if isinstance(wanted, list | tuple):
        return _list_covers(seen if isinstance(seen, list | tuple) else (), wanted)
    return seen == wanted or (seen is None and wanted in ("", False))


def _list_covers(seen: Sequence[object], wanted: Sequence[object]) -> bool:
    if wanted and all(isinstance(each, Mapping) and "uid" in each for each in wanted):
        return all(any(covers(there, each) for there in seen) for each in wanted)
    return len(seen) == len(wanted) and all(map(covers, seen, wanted))
