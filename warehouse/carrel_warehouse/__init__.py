"""BigQuery as Carrel sees it: what stands between a notebook and the warehouse."""
