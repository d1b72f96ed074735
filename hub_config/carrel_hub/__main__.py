"""``python -m carrel_hub``: what ``jupyterhub`` is elsewhere, with the same arguments."""

from carrel_hub.application import CarrelHub

CarrelHub.launch_instance()
