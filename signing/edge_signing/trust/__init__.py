"""Trust in releases, after The Update Framework: no private keys, no network, time is given.

Source: TUF specification 1.0.31.
"""
