"""The gateway: BigQuery's REST API with a person, a price and a limit on every query."""
