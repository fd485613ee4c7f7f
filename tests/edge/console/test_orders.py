"""Orders: signed for one device, never going back, renewed before they expire."""

import asyncio
import shutil
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update

from edge.console import orders, releases
from edge.console.audit import Actor
from edge.console.desk import Caller, Via
from edge.console.devices import listing, registry, reports
from edge.console.front_desk import FrontDesk
from edge.console.office import Office
from edge.console.orders import Order
from edge.console.releases import Release
from edge.console.repository.vaults import Vaults
from edge.console.store.database import Database
from edge.console.store.tables import DEVICES
from edge.console.tenants import Tenant
from edge.errors import RefusedError, ThingNotFoundError
from edge.keys.secrets import nobody
from edge.release.signing import sign_here
from edge_signing.errors import TrustError
from edge_signing.messages import Desired, EventId, Policy, ReportEvent, Status, Want
from edge_signing.release import Content
from edge_signing.trust import director
from edge_signing.trust.sighting import UNSEEN
from tests.agent.power.system import System
from tests.fakes.approving import Board
from tests.fakes.operator import Operator

CALLER = Caller("us", "d-1", Via.HTTP)
APPROVED = Board({"gateway/2/release.json": Content(1, b"a" * 32)}).packed("anna")


@pytest.fixture(scope="module")
def stock(tmp_path_factory: pytest.TempPathFactory, _tiny_units: None, keys: Path) -> Path:
    """The folders of an operator and of a tenant with two releases, to be copied."""
    folder = tmp_path_factory.mktemp("stock")
    made = Operator(folder / "operator", keys)
    vaults = Vaults(folder / "tenants", lambda: made.now)
    vault = vaults.open(Tenant("us", str(keys)))
    for number in (1, 2):
        made.release(System.make(str(number), number))
        made.bundle(str(number))
        vault.take(made.folder / "update.edge", now=made.now)
    return folder


@pytest.fixture
def operator(stock: Path, tmp_path: Path, keys: Path) -> Operator:
    shutil.copytree(stock / "operator", tmp_path / "operator")
    return Operator(tmp_path / "operator", keys)


class Shop:
    """A tenant with two releases and one device."""

    def __init__(self, database: Database, operator: Operator, folder: Path) -> None:
        self.now = datetime.now(UTC)
        self.database = database
        self.operator = operator
        self.vaults = Vaults(folder, lambda: self.now)
        found = self.vaults.open(Tenant("us", str(operator.keys))).releases()
        self.write(lambda c: releases.take(c, self.actor, found))
        self.write(lambda c: registry.register(c, self.actor, "d-1"))

    @property
    def actor(self) -> Actor:
        return Actor("us", "token:1", int(self.now.timestamp()))

    def write(self, step: Any) -> Any:
        return self.database.write_now(step)

    def release(self, version: str) -> Release:
        return self.database.read_now(lambda c: releases.find(c, "us", version))

    def order(
        self, version: str = "2", policy: Policy | None = None, approval: bytes = b""
    ) -> Order:
        release = self.release(version)

        def give(connection: Any) -> Order:
            return orders.deploy(
                connection,
                self.actor,
                self.vaults,
                "d-1",
                release,
                policy=policy or Policy(),
                word=lambda: "word",
                approval=approval,
            )

        made: Order = self.write(give)
        return made

    def desired(self) -> Desired:
        packed = self.write(lambda c: orders.renew(c, self.vaults, "us", "d-1", self.actor.now_s))
        return Desired.unpack(packed)

    def verify(self, desired: Desired, *, device: str = "d-1", epoch: int = 1) -> director.Order:
        return director.verify(
            desired.director,
            targets=self.operator.ring.targets().signed,
            device=device,
            epoch=epoch,
            root_version=1,
            floor=UNSEEN,
            now=self.now,
        )

    def row(self) -> Any:
        return self.database.read_now(lambda c: registry.get(c, "us", "d-1"))


@pytest.fixture
def shop(database: Database, operator: Operator, stock: Path, tmp_path: Path) -> Shop:
    shutil.copytree(stock / "tenants", tmp_path / "tenants")
    return Shop(database, operator, tmp_path / "tenants")


def test_an_order_is_signed_for_one_device_and_epoch(shop: Shop) -> None:
    made = shop.order(policy=Policy(reboot="window"))

    desired = shop.desired()
    assert (desired.seq, desired.action, desired.release) == (
        1,
        made.action,
        "gateway/2/release.json",
    )
    assert desired.policy.reboot == "window"
    assert set(shop.verify(desired).targets) == {"gateway/2/release.json"}
    for wrong in ({"device": "d-2"}, {"epoch": 2}):
        with pytest.raises(TrustError):
            shop.verify(desired, **wrong)


def test_numbers_go_up_even_above_what_the_device_has_seen(shop: Shop) -> None:
    first = shop.order("1")
    status = Status("boot-1", seq=41)
    shop.write(lambda c: reports.take_status(c, CALLER, status, 1))

    second = shop.order("2")

    assert (first.seq, second.seq) == (1, 42)
    assert shop.verify(shop.desired()).version == 42


def test_an_open_order_is_signed_anew_under_its_action(shop: Shop) -> None:
    shop.order(approval=APPROVED)
    before = shop.desired()
    shop.now += timedelta(hours=11)
    unchanged = shop.desired()
    shop.now += timedelta(hours=2)

    assert shop.database.read_now(lambda c: orders.due(c, "us", shop.actor.now_s)) == ["d-1"]
    after = shop.desired()

    assert unchanged == before
    assert (after.action, after.seq) == (before.action, before.seq + 1)
    assert after.approval == before.approval == APPROVED
    assert shop.verify(after).expires > shop.verify(before).expires
    assert shop.database.read_now(lambda c: orders.due(c, "us", shop.actor.now_s)) == []


def test_an_order_that_has_ended_is_left_unless_the_device_forgot_it(shop: Shop) -> None:
    made = shop.order()
    event = ReportEvent(EventId("boot-1", 1), 1, "succeeded", made.action)
    shop.write(lambda c: reports.take_status(c, CALLER, Status("boot-1", seq=made.seq), 1))
    shop.write(lambda c: reports.take_events(c, CALLER, [event], 1))
    before = shop.desired()
    shop.now += timedelta(hours=13)
    left = shop.desired()

    shop.write(lambda c: reports.take_status(c, CALLER, Status("boot-2", seq=0), 1))
    after = shop.desired()

    assert left == before
    assert after.seq == before.seq + 1


@pytest.mark.parametrize(
    ("values", "text"),
    [
        pytest.param({"board": "other"}, "is for board", id="board"),
        pytest.param({"product": "other"}, "runs other", id="product"),
        pytest.param({"counter": 3}, "counter", id="counter"),
        pytest.param({"state": "revoked"}, "is revoked", id="revoked"),
        pytest.param({"state": "pending"}, "is pending", id="pending"),
    ],
)
def test_what_the_device_would_refuse_is_not_ordered(
    shop: Shop, values: dict[str, object], text: str
) -> None:
    shop.write(lambda c: c.execute(update(DEVICES).values(values)).rowcount)

    with pytest.raises(RefusedError, match=text):
        shop.order()
    assert shop.row().desired is None


@pytest.mark.parametrize(
    ("step", "hint"),
    [
        pytest.param({}, "order 8 first", id="there is a step"),
        pytest.param({"from_counter": 2}, "no release here is a step to it", id="there is none"),
        pytest.param({"kind": "service"}, "no release here is a step to it", id="of a service"),
    ],
)
def test_a_release_that_wants_another_one_before_it_says_which(
    shop: Shop, step: dict[str, Any], hint: str
) -> None:
    one = shop.release("2")
    hop = replace(one, path="gateway/8/release.json", version="8", counter=8, **step)
    far = replace(one, path="gateway/9/release.json", version="9", counter=9, from_counter=7)
    low = replace(one, path="gateway/1/release.json", version="1", counter=1)
    shop.write(lambda c: releases.take(c, shop.actor, [low, hop, far]))
    shop.write(lambda c: c.execute(update(DEVICES).values(version="1", counter=1)).rowcount)

    with pytest.raises(RefusedError, match="from counter 7 on, and d-1 runs 1 with 1") as caught:
        shop.order("9")

    assert (caught.value.hint, shop.row().desired) == (hint, None)


def test_a_release_that_is_not_whole_is_not_ordered(shop: Shop) -> None:
    part = replace(shop.release("2"), is_published=False)
    shop.write(lambda c: releases.take(c, shop.actor, [part]))

    with pytest.raises(RefusedError, match="not published"):
        shop.order()


def test_a_release_that_its_role_names_no_longer_is_not_ordered(shop: Shop) -> None:
    gone = replace(shop.release("2"), path="gateway/9/release.json", version="9")
    shop.write(lambda c: releases.take(c, shop.actor, [gone]))

    with pytest.raises(ThingNotFoundError, match="no longer"):
        shop.order("9")


def test_a_new_enrolment_takes_the_order_away(shop: Shop) -> None:
    shop.order()

    shop.write(lambda c: registry.re_enrol(c, shop.actor, "d-1"))
    assert shop.row().desired is None
    shop.order()

    assert shop.verify(shop.desired(), epoch=2).version == 2


def test_an_order_that_can_not_be_signed_anew_is_given_as_it_is(
    shop: Shop, operator: Operator
) -> None:
    shop.order()
    before = shop.desired()
    desk = FrontDesk(shop.database, shop.vaults, now_s=lambda: shop.actor.now_s)
    gone = ["gateway/1/release.json", "gateway/2/release.json"]
    operator.repository.stage(operator.ring, "gateway", {}, gone, now=operator.now)
    sign_here(operator.repository, operator.ring, nobody)
    operator.repository.publish(operator.ring, now=operator.now)
    operator.release(System.make("3", 3))
    operator.bundle("3")
    shop.vaults.of("us").take(operator.folder / "update.edge", now=shop.now)
    shop.now += timedelta(hours=13)

    given = asyncio.run(desk.desired(CALLER))

    assert given == before.pack()


def test_blocks_of_a_file_come_until_its_end(shop: Shop) -> None:
    desk = FrontDesk(shop.database, shop.vaults)
    name = "metadata/timestamp.json"
    data = (shop.vaults.of("us").repository.folder / name).read_bytes()

    def block(offset: int, length: int) -> bytes:
        return asyncio.run(desk.block(CALLER, Want(name, offset, length)))

    assert [block(0, 10), block(10, 1 << 17), block(len(data), 1)] == [data[:10], data[10:], b""]


def test_the_console_renews_open_orders_and_tells_the_links(shop: Shop) -> None:
    shop.order()
    before = shop.desired()
    desk = FrontDesk(shop.database, shop.vaults, now_s=lambda: shop.actor.now_s)
    office = Office(shop.database, shop.vaults, desk, now_s=lambda: shop.actor.now_s)
    told: list[tuple[str, str]] = []
    desk.on_desired.append(lambda *words: told.append(words))
    early = asyncio.run(office.renew_orders("us"))
    shop.now += timedelta(hours=13)

    late = [asyncio.run(office.renew_orders("us")) for _time in range(2)]

    assert (early, late, told) == (0, [1, 0], [("us", "d-1")])
    assert shop.desired().seq == before.seq + 1


def test_the_timestamp_of_the_repository_is_renewed_before_it_expires(shop: Shop) -> None:
    desk = FrontDesk(shop.database, shop.vaults)
    office = Office(shop.database, shop.vaults, desk, now_s=lambda: shop.actor.now_s)

    def expires() -> datetime:
        timestamp = shop.vaults.of("us").repository.published().timestamp
        assert timestamp is not None
        return timestamp.signed.expires

    before = expires()
    early = asyncio.run(office.refresh("us"))
    shop.now += timedelta(hours=13)
    late = [asyncio.run(office.refresh("us")) for _time in range(2)]

    assert (early, late) == (False, [True, False])
    assert expires() - before >= timedelta(hours=13)


def stay(shop: Shop) -> Order:
    def give(connection: Any) -> Order:
        return orders.stay(connection, shop.actor, shop.vaults, "d-1", word=lambda: "word")

    made: Order = shop.write(give)
    return made


def ended(shop: Shop, action: str, kind: str, n: int, *, device: str = "d-1") -> None:
    event = ReportEvent(EventId("boot-1", n), 1, kind, action)
    caller = replace(CALLER, device=device)
    shop.write(lambda c: reports.take_events(c, caller, [event], 1))


def states(shop: Shop) -> list[tuple[str, str]]:
    rows = shop.database.read_now(lambda c: listing.orders(c, "us", "d-1", 9))
    return [(row.state, row.reason) for row in rows]


@pytest.mark.parametrize("hours", [0, 13])
def test_an_order_to_stay_names_nothing_and_is_signed_like_all_others(
    shop: Shop, hours: int
) -> None:
    shop.order(policy=Policy(download_only=True))
    made = stay(shop)
    shop.now += timedelta(hours=hours)

    desired = shop.desired()

    assert (desired.seq, desired.action, desired.release) == (3 if hours else 2, made.action, None)
    assert shop.verify(desired).targets == {}
    assert desired.policy == Policy()
    assert (shop.row().desired_release, shop.row().desired_action) == ("", made.action)
    with pytest.raises(TrustError):
        shop.verify(desired, device="d-2")


def test_what_was_taken_back_ends_as_the_device_says(shop: Shop) -> None:
    first, second = shop.order(), stay(shop)
    assert states(shop) == [("open", ""), ("replaced", "")]

    ended(shop, first.action, "succeeded", 1)  # it had started the new system already
    ended(shop, second.action, "succeeded", 2)

    assert states(shop) == [("succeeded", ""), ("succeeded", "")]


@pytest.mark.parametrize(("kind", "state"), [("succeeded", "cancelled"), ("failed", "replaced")])
def test_what_was_taken_back_before_the_device_took_it_up_is_closed_with_the_next(
    shop: Shop, kind: str, state: str
) -> None:
    shop.order("1")
    shop.order()  # another order, not taken back: nothing is known of it
    shop.write(lambda c: registry.register(c, shop.actor, "d-2"))
    made = stay(shop)
    ended(shop, made.action, "succeeded", 1, device="d-2")
    assert [state for state, _reason in states(shop)] == ["open", "replaced", "replaced"]

    ended(shop, made.action, kind, 1)

    assert [state for state, _reason in states(shop)] == [kind, state, "replaced"]


@pytest.mark.parametrize("state", ["revoked", "pending"])
def test_only_an_accepted_device_is_ordered_to_stay(shop: Shop, state: str) -> None:
    shop.write(lambda c: c.execute(update(DEVICES).values(state=state)).rowcount)

    with pytest.raises(RefusedError, match=f"is {state}"):
        stay(shop)


def test_a_device_of_another_tenant_is_not_there(shop: Shop) -> None:
    actor = replace(shop.actor, tenant="them")

    with pytest.raises(ThingNotFoundError):
        shop.write(lambda c: orders.stay(c, actor, shop.vaults, "d-1", word=lambda: "word"))
    with pytest.raises(ThingNotFoundError):
        shop.write(lambda c: orders.cancel(c, actor, shop.vaults, "d-1", word=lambda: "word"))
