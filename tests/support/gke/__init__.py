"""Carrel as it is installed on GKE, on the local cluster: all of the chart's own, with stand-ins at Google's addresses."""
