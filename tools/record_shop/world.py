"""What the shop sells and to whom: the same in every recording."""

import random
from dataclasses import dataclass
from functools import cache

CATEGORIES = ("tea", "pottery", "books", "music", "garden", "kitchen")
WORDS = ("amber", "birch", "cobalt", "dune", "ember", "fjord", "granite", "harbour", "indigo", "juniper")
NOUNS = ("cup", "bowl", "lamp", "vase", "print", "album", "atlas", "kettle", "planter", "tray", "blend", "quartet")
VOUCHERS = {"SPRING10": 10, "WELCOME5": 5, "FRIENDS15": 15}
CUSTOMERS = 300


@dataclass(frozen=True)
class Product:
    number: int
    name: str
    category: str
    price_cents: int
    sold_last_week: int
    digital: bool
    available: int


@cache
def products() -> tuple[Product, ...]:
    """120 products; some are digital, some sold out, some low on stock, some not sold last week."""
    draw = random.Random(7)
    made = []
    for position in range(120):
        digital = position % 10 == 3
        made.append(
            Product(
                number=1001 + position,
                name=f"{WORDS[position % 10]} {NOUNS[position // 10]}",
                category="music" if digital else draw.choice(CATEGORIES),
                price_cents=100 * draw.randint(4, 90) - 1,
                sold_last_week=0 if position % 24 == 17 else draw.randint(1, 60),
                digital=digital,
                available=0 if position % 20 == 11 else 95 if position % 15 == 8 and not digital else 5000,
            )
        )
    return tuple(made)


def email(customer: int) -> str:
    return f"customer{customer}@shop.example"


def password(customer: int) -> str:
    return f"secret-{customer * 7919 % 10007}"
