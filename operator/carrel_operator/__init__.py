"""The operator keeps each Notebook's children as its spec says, and says in its status what is."""
