"""One visit of the doctor: where the notebook is, what the hub knows of its person, and every link."""

import logging
import os

from carrel_lab.doctor.examination import Examination, Known
from carrel_lab.doctor.findings import Finding, skipped
from carrel_lab.doctor.place import Place
from carrel_lab.doctor.queries import Dataset
from carrel_lab.guard.hub import Hub, HubError

log = logging.getLogger(__name__)


def examined(hub: Hub | None) -> list[Finding]:
    """All links of this notebook; blocks for as long as its requests take."""
    place = Place.from_environment(os.environ)
    if place is None:
        return [skipped("warehouse", "No warehouse is configured, so there is nothing to look at.")]
    return Examination(place).whole(lambda: known(hub))


def known(hub: Hub | None) -> Known:
    """What the hub says of the person; nothing where it does not answer."""
    if hub is None:
        return Known()
    try:
        said = hub.warehouse()
        datasets = tuple(
            Dataset(each["project"], each["name"], each["billing_project"], each["role"])
            for each in said["datasets"]
        )
        return Known(said["principal"], datasets)
    except (HubError, KeyError, TypeError) as error:
        log.info("The hub did not tell which datasets there are: %s", error)
        return Known()
