"""What a cluster without Google has in BigQuery's place: a token exchange and an emulator that knows who asks.

A request's way: `app` routes it; `exchange` turns a cluster's token into an access token, by the `clock`; every other
call must bring that access token (`bearer`). `impersonation` lends Google service accounts. Whoever may not do what a
call does hears so (`access`). A query that can be none is refused unread (`texts`, `labels`); the others are measured
before they run (`admission`, `metering`) and refused if they cost more than they may (`limits`). Then it goes on to the
emulator (`upstream`), if need be in other words (`shims`, `history`). What is known of a job is written down (`records`)
and laid over what the emulator says of it (`jobs`, `overlay`).
"""
