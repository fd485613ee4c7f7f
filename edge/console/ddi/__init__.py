"""The link for devices that speak hawkBit's Direct Device Integration: SWUpdate, RAUC, others.

Source: the paths, fields and statuses of hawkBit's DDI v1 as its clients use them; docs/ddi.md.
"""
