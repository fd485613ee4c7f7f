"""How many devices of a campaign stood how at a time, for a chart."""

import json

from sqlalchemy import Connection, delete, insert, select

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


def samples(connection: Connection, tenant: str, id_: str) -> list[tuple[int, dict[str, int]]]:
    """Return how many devices stood how, in order of time."""
    same = (CAMPAIGN_SAMPLES.c.tenant == tenant, CAMPAIGN_SAMPLES.c.campaign == id_)
    rows = connection.execute(
        select(CAMPAIGN_SAMPLES).where(*same).order_by(CAMPAIGN_SAMPLES.c.at_s)
    )
    return [(row.at_s, json.loads(row.counts)) for row in rows]
