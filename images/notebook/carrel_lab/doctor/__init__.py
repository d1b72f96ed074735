"""The doctor: why a query of this notebook gets, or does not get, into the warehouse, link by link.

``tokens``, ``exchange``, ``queries`` and ``way`` are verdicts without I/O; ``examination`` asks and puts them in order;
``gate`` holds a start back until the links that every query needs are there.
"""
