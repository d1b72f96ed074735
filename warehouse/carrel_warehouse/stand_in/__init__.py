"""What a cluster without Google has in BigQuery's place: a token exchange and an emulator that knows who asks.

A request's way: `app` routes it; `exchange` turns a cluster's token into an access token; every other call must bring
that access token (`bearer`), is noted under its person (`jobs`) and goes on to the emulator (`upstream`).
"""
