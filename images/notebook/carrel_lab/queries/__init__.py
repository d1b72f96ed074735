"""Queries of a notebook: each is labelled with its cell, priced before it runs, and found again after it was lost.

``extension`` is what a kernel loads; all else is imported when a person first touches BigQuery. ``labels``, ``sentences``
and ``sizes`` are pure; ``client`` is the one place that wraps BigQuery's client, ``magic`` the one that changes %%bigquery.
"""
