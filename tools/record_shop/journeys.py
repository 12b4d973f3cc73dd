"""The customers' journeys: what they ask for, when, and what should come of it."""

import random
import re
from dataclasses import dataclass, replace
from typing import Any

import world

DEVICES = (
    "ShopApp/3.2 (Android)",
    "ShopApp/3.2 (iOS)",
    "Mozilla/5.0 (X11; Linux x86_64)",
    "Mozilla/5.0 (Windows NT 10.0)",
)
LIMIT_MS = 1000
"""An answer within this time is on time."""
SLOW_CARD_LIMIT_MS = 3500
"""The same for a card whose bank is known to need more than one attempt."""
BANK_ASKED = {"slow": 2, "flaky": 2, "fickle": 3}
"""Attempts by kind of card, where it is not one: the first times out, fails, or the first two fail."""


@dataclass(frozen=True)
class Step:
    at: float
    """Planned seconds."""
    name: str
    method: str
    path: str
    body: Any
    """An object to send as JSON, text to send as it is, or None."""
    status: int
    """What should be answered."""
    steps: str
    """Regular expression over the steps that the services should take for it."""
    limit_ms: int = LIMIT_MS
    reserved: int | None = None
    """For an order that should succeed: how many reservations it should leave."""
    charged_first: bool = False
    """... and whether they should be made after the charge."""


@dataclass(frozen=True)
class Journey:
    number: int
    kind: str
    customer: int
    device: str
    start: float
    steps: tuple[Step, ...]

    def numbered(self, number: int) -> "Journey":
        return replace(self, number=number)


class _Writer:
    """Builds the steps of one journey, with think times between them."""

    def __init__(self, draw: random.Random, at: float) -> None:
        self.draw, self.at = draw, at
        self.steps: list[Step] = []

    def add(self, name: str, method: str, path: str, body: Any, status: int, steps: str, **more: Any) -> None:
        self.steps.append(Step(round(self.at, 3), name, method, path, body, status, steps, **more))
        self.at += min(6.0, 0.3 + self.draw.expovariate(1.1))

    def listing(self) -> None:
        category = self.draw.choice((*world.CATEGORIES, "all"))
        self.add("list", "GET", f"/api/products?category={category}", None, 200, _cached("list"))

    def search(self) -> None:
        words = self.draw.choice((*world.WORDS, *world.NOUNS, "violin", "ladder"))
        found = "search" if words in (*world.WORDS, *world.NOUNS) else "search best\\.sellers"
        self.add("search", "GET", f"/api/search?q={words}", None, 200, found)

    def product(self, product: world.Product | None = None) -> None:
        # Some products are looked at far more often than others.
        product = product or world.products()[min(119, int(self.draw.paretovariate(0.6)) - 1)]
        rank = "rank" if product.sold_last_week else "rank\\.failed"
        self.add("product", "GET", f"/api/products/{product.number}", None, 200, f"{_cached('product')} {rank}")

    def login(self, customer: int, *, right: bool = True, known: bool = True) -> None:
        body = {
            "email": world.email(customer if known else customer + 1000),
            "password": world.password(customer) if right else "let-me-in",
        }
        expected = (200, "customer\\.lookup session\\.write") if right and known else (401, "customer\\.lookup")
        self.add("login", "POST", "/api/login", body, *expected)

    def logout(self) -> None:
        self.add("logout", "POST", "/api/logout", {}, 200, "session\\.read session\\.delete")

    def basket(self) -> None:
        self.add("basket", "GET", "/api/basket", None, 200, "session\\.read basket\\.read")

    def basket_add(self, product: world.Product) -> None:
        body = {"product": product.number, "quantity": self.draw.choice((1, 1, 1, 2, 3))}
        steps = f"session\\.read {_cached('price')}" + ("" if product.digital else " availability")
        sold_out = product.available == 0 and not product.digital
        expected = (409, steps) if sold_out else (200, f"{steps} basket\\.write")
        self.add("basket_add", "POST", "/api/basket", body, *expected)

    def checkout(self, items: list[world.Product], card: str, voucher: str | None, express: bool) -> None:
        physical = sum(not item.digital for item in items)
        steps = ["session\\.read", "basket\\.read", *["express"] * express, "order\\.created"]
        if voucher:
            steps.append("voucher" if voucher in world.VOUCHERS else "voucher\\.unknown")
        reserving = ["stock\\.reserved"] * physical
        asking = ["bank\\.asked"] * BANK_ASKED.get(card.partition("-")[0], 1)
        declined = card.startswith("empty")
        if declined:
            steps += [*([] if express else reserving), *asking, *["stock\\.released"] * bool(physical)]
        else:
            charging = [*asking, "charged"]
            steps += [*charging, *reserving] if express else [*reserving, *charging]
            steps += ["order\\.confirmed", *["parcel"] * bool(physical), *["download"] * (physical < len(items))]
            steps += ["invoice", "basket\\.delete"]
        body = {"card": card, "voucher": voucher, "express": express}
        self.add(
            "checkout", "POST", "/api/orders", body, 402 if declined else 201,
            " ".join(steps), limit_ms=SLOW_CARD_LIMIT_MS if card.startswith(tuple(BANK_ASKED)) else LIMIT_MS,
            reserved=None if declined else physical, charged_first=express and physical > 0,
        )  # fmt: skip

    def order(self) -> None:
        self.add("order", "GET", "/api/orders/{order}", None, 200, "session\\.read order\\.read")

    def cancel(self, physical: bool) -> None:
        steps = "session\\.read order\\.cancelled stock\\.released refunded"
        self.add("cancel", "POST", "/api/orders/{order}/cancel", {}, 200, steps)


def _cached(kind: str) -> str:
    return rf"{kind}\.(hit|miss {kind}\.stored)"


def draw_one(draw: random.Random, at: float, end: float) -> Journey:
    """A journey of a kind drawn at random that begins at `at`; steps from `end` on are left out."""
    kind, write = draw.choices(list(_KINDS.items()), weights=(28, 12, 46, 9, 5))[0]
    writer = _Writer(draw, at)
    customer = draw.randint(1, world.CUSTOMERS)
    write(writer, draw, customer)
    steps = tuple(step for step in writer.steps if step.at < end)
    return Journey(0, kind, customer, draw.choice(DEVICES), at, steps)


def _browse(writer: _Writer, draw: random.Random, customer: int) -> None:
    writer.listing()
    for _ in range(draw.choice((1, 1, 2, 2, 3, 4))):
        writer.product()
    if draw.random() < 0.3:
        writer.listing()
        writer.product()


def _search(writer: _Writer, draw: random.Random, customer: int) -> None:
    for _ in range(draw.choice((1, 2, 2, 3))):
        writer.search()
        if draw.random() < 0.5:
            writer.product()


def _buy(writer: _Writer, draw: random.Random, customer: int) -> None:
    if draw.random() < 0.3:
        writer.listing()
    if draw.random() < 0.25:
        writer.search()
    if draw.random() < 0.08:
        writer.login(customer, right=False)
    writer.login(customer)
    items: list[world.Product] = []
    for _ in range(draw.choices((1, 2, 3, 4, 5, 6), weights=(46, 24, 14, 8, 5, 3))[0]):
        product = draw.choice(world.products())
        if draw.random() < 0.4:
            writer.product(product)
        writer.basket_add(product)
        if product.digital or product.available:
            items.append(product)
    if draw.random() < 0.4:
        writer.basket()
    if items:
        writer.checkout(items, *_payment(draw), express=draw.random() < 0.2)
        if writer.steps[-1].status == 201:
            _after_sale(writer, draw, items)
    if draw.random() < 0.4:
        writer.logout()


def _payment(draw: random.Random) -> tuple[str, str | None]:
    card = draw.choices(("visa", "empty", "flaky", "slow", "fickle"), weights=(83, 5, 6, 3, 3))[0]
    voucher = None
    if draw.random() < 0.3:
        voucher = draw.choice((*world.VOUCHERS, *world.VOUCHERS, "SUMMER99"))
    return f"{card}-{draw.randint(100, 999)}", voucher


def _after_sale(writer: _Writer, draw: random.Random, items: list[world.Product]) -> None:
    if draw.random() < 0.5:
        writer.order()
    if draw.random() < 0.12:
        writer.cancel(any(not item.digital for item in items))


def _account(writer: _Writer, draw: random.Random, customer: int) -> None:
    for _ in range(draw.choice((0, 0, 0, 1, 2))):
        writer.login(customer, right=False)
    if draw.random() < 0.06:
        writer.login(customer, known=False)
        return
    writer.login(customer)
    writer.add("orders", "GET", "/api/orders", None, 200, "session\\.read order\\.list")
    writer.basket()
    if draw.random() < 0.7:
        writer.logout()


def _stray(writer: _Writer, draw: random.Random, customer: int) -> None:
    """Robots, old links and broken clients: errors that belong to every day."""
    for _ in range(draw.choice((1, 2, 3))):
        match draw.randrange(5):
            case 0:
                path = f"/api/products/{draw.randint(2000, 2999)}"
                writer.add("product", "GET", path, None, 404, "product\\.miss")
            case 1:
                path = draw.choice(("/api/offers", "/api/v1/products", "/api/robots.txt"))
                writer.add("stray", "GET", path, None, 404, "")
            case 2:
                writer.add("basket", "GET", "/api/basket", None, 401, "session\\.read")
            case 3:
                writer.add("stray", "POST", "/api/login", '{"email": "a@b', 400, "")
            case 4:
                writer.add("search", "GET", "/api/search?q=", None, 422, "")


_KINDS = {"browse": _browse, "search": _search, "buy": _buy, "account": _account, "stray": _stray}


def probe(at: float) -> Journey:
    """The health check of the monitoring."""
    return Journey(0, "probe", 0, "probe/1.0", at, (Step(at, "health", "GET", "/api/health", None, 200, ""),))


def burst(draw: random.Random, start: float, end: float) -> list[Journey]:
    """A scanner's requests, which no customer would send; they are the fault itself."""
    made = []
    for number in range(45):
        at = round(start + (end - start) * (number + 0.5) / 45, 3)
        method, path, body = draw.choice(_SCANS)
        path = path.replace("{number}", str(draw.randint(100000, 999999)))
        made.append(Journey(0, "scanner", 0, DEVICES[2], at, (Step(at, "scan", method, path, body, 0, ""),)))
    return made


_SCANS = (
    ("POST", "/api/login", {"email": ["admin"], "password": 1}),
    ("POST", "/api/login", {"email": "' OR 1=1 --", "password": "x"}),
    ("POST", "/api/login", "<xml/>"),
    ("POST", "/api/basket", {"product": "1001; DROP TABLE orders", "quantity": -1}),
    ("PUT", "/api/products/{number}", {"price_cents": 1}),
    ("DELETE", "/api/orders/{number}", None),
    ("POST", "/api/search?q=tea", {}),
    ("GET", "/api/.env", None),
    ("GET", "/api/admin/config.php", None),
    ("GET", "/api/products/{number}", None),
    ("POST", "/api/orders", "A" * 9000),
)


def matches(step: Step, steps: str) -> bool:
    """Whether the services took the steps that they should."""
    return re.fullmatch(step.steps, steps) is not None
