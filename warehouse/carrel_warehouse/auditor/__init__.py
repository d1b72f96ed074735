"""The auditor: tells the ledger what the warehouse itself lists, whichever way a query took."""
