"""What the pods that back up and restore one volume run: restic, and the rules of what may go where."""
