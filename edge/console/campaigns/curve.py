"""How many devices of a campaign stood how at a time, for a chart."""

import json

from sqlalchemy import Connection, delete, func, insert, select

from edge.console.campaigns.store import Stored
from edge.console.store.campaign_tables import CAMPAIGN_SAMPLES


def sample(connection: Connection, stored: Stored, now_s: int) -> None:
    """Store how many devices stand how now, in place of another sample of this second."""
    same = (
        CAMPAIGN_SAMPLES.c.tenant == stored.tenant,
        CAMPAIGN_SAMPLES.c.campaign == stored.id,
        CAMPAIGN_SAMPLES.c.at_s == now_s,
    )
    connection.execute(delete(CAMPAIGN_SAMPLES).where(*same))
    values = {"tenant": stored.tenant, "campaign": stored.id, "at_s": now_s}
    text = json.dumps(stored.campaign.counts, sort_keys=True)
    connection.execute(insert(CAMPAIGN_SAMPLES).values(**values, counts=text))


def samples(
    connection: Connection, tenant: str, id_: str, *, most: int
) -> list[tuple[int, dict[str, int]]]:
    """Return how many devices stood how, in order of time: so many samples, and the last one.

    They are chosen evenly, counted from the last one, which tells how it stands now.
    """
    same = (CAMPAIGN_SAMPLES.c.tenant == tenant, CAMPAIGN_SAMPLES.c.campaign == id_)
    at_s = CAMPAIGN_SAMPLES.c.at_s
    total = connection.scalar(select(func.count()).where(*same)) or 0
    number = func.row_number().over(order_by=at_s.desc()).label("number")
    numbered = select(at_s, number).where(*same).subquery("numbered")
    step = max(1, -(-total // most))
    chosen = select(numbered.c.at_s).where((numbered.c.number - 1) % step == 0)
    rows = connection.execute(
        select(CAMPAIGN_SAMPLES).where(*same, at_s.in_(chosen)).order_by(at_s)
    )
    return [(row.at_s, json.loads(row.counts)) for row in rows]
