"""What a query costs, before it runs: the emulator says 0 for everything, BigQuery says the bytes of the columns read.

`statements` finds in a text the queries that read something; `reads` says which columns of which tables such a query
reads, and `partitions` which of their rows; `mentions` is for texts that nobody understands. `sizes` writes the query
that weighs columns, `charges` turns weights into a price. All that is pure. `catalogue` describes tables, `scales`
fetches and weighs them in the emulator, and `meter` puts it together.
"""
