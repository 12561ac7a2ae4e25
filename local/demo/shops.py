"""The sample shops and what they sell."""

from dataclasses import dataclass

MINOR = {"EUR": 100, "USD": 100, "INR": 100, "JPY": 1, "GBP": 100}
"""Smallest units in one unit of the currency."""


@dataclass(frozen=True, slots=True)
class Product:
    """`price` is in smallest units; `weight` its share of the lines; `most` the units in a line.

    What is sold by weight has several `portions` in a kilogram: `price` and `most` are of a portion.
    """

    id: str
    name: str
    price: int
    weight: int
    most: int = 2
    portions: int = 1

    def quantity(self, units: int) -> int | float:
        """So many units, or kilograms, which are quarters and so exact."""
        return units if self.portions == 1 else units / self.portions


@dataclass(frozen=True, slots=True)
class Shop:
    """`opens` to `closes` are local hours; `collects` means that customers fetch their orders.

    `other` is a second currency that it takes now and then, with how many of its smallest units
    make one of the shop's.
    """

    id: str
    code: str
    name: str
    timezone: str
    currency: str
    threshold: int
    opens: int
    closes: int
    collects: bool
    other: tuple[str, float]
    supplier: str
    lead_days: int
    products: tuple[Product, ...]


BAKERY = Shop(
    "demo-bakery",
    "BB",
    "Backstube Kreuzberg",
    "Europe/Berlin",
    "EUR",
    15,
    6,
    19,
    True,
    ("USD", 1.08),
    "Mühle Havelland",
    1,
    (
        Product("schrippe", "Schrippe", 45, 30, 8),
        Product("roggenbrot", "Roggenbrot 1 kg", 520, 14),
        Product("dinkelbrot", "Dinkelvollkornbrot", 590, 10),
        Product("croissant", "Buttercroissant", 240, 18, 4),
        Product("franzbroetchen", "Franzbrötchen", 275, 14, 4),
        Product("kaesekuchen", "Käsekuchen, Stück", 390, 8, 3),
        Product("apfelstrudel", "Apfelstrudel, Stück", 420, 6, 3),
        Product("geburtstagstorte", "Geburtstagstorte", 4200, 1, 1),
    ),
)
COFFEE = Shop(
    "demo-coffee",
    "CR",
    "Carroll Street Roasters",
    "America/New_York",
    "USD",
    10,
    7,
    22,
    False,
    ("EUR", 0.92),
    "Huila Growers Co-op",
    14,
    (
        Product("huila-250", "Colombia Huila, 250 g", 1650, 18),
        Product("guji-250", "Ethiopia Guji, 250 g", 1900, 16),
        Product("house-loose", "House Espresso, by weight", 1200, 12, 6, portions=4),
        Product("decaf-250", "Swiss Water Decaf, 250 g", 1700, 8),
        Product("filters-100", "Paper filters, 100", 799, 12, 3),
        Product("dripper", "Ceramic dripper", 2800, 5, 1),
        Product("kettle", "Gooseneck kettle", 8900, 2, 1),
        Product("mug", "Diner mug", 1450, 9, 4),
    ),
)
TEXTILES = Shop(
    "demo-textiles",
    "JT",
    "Jaipur Textile House",
    "Asia/Kolkata",
    "INR",
    12,
    10,
    21,
    False,
    ("GBP", 0.0094),
    "Sanganer Block Prints",
    7,
    (
        Product("kurta-indigo", "Indigo block-print kurta", 149900, 16),
        Product("dupatta-silk", "Silk dupatta", 229900, 10),
        Product("bedsheet-king", "Block-print bedsheet, king", 189900, 12),
        Product("cushion-cover", "Cushion cover", 34900, 18, 6),
        Product("table-runner", "Table runner", 64900, 10, 3),
        Product("saree-kota", "Kota doria saree", 349900, 6, 1),
        Product("quilt-razai", "Jaipuri razai quilt", 279900, 5, 1),
        Product("scarf-cotton", "Cotton scarf", 44950, 14, 4),
    ),
)
STATIONERY = Shop(
    "demo-stationery", "BT", "文具 月光堂", "Asia/Tokyo", "JPY", 10, 9, 23, False,
    ("USD", 0.67), "越前和紙", 5,
    (
        Product("notebook-a5", "ノート A5 方眼", 680, 22, 4),
        Product("fountain-pen", "万年筆 細字", 5500, 6, 1),
        Product("ink-tsukiyo", "インク 月夜 50ml", 1980, 12),
        Product("washi-tape", "マスキングテープ", 330, 20, 6),
        Product("letter-set", "便箋セット", 880, 12, 3),
        Product("planner", "手帳 2027", 2750, 7),
        Product("brush-pen", "筆ペン", 550, 14, 3),
        Product("desk-mat", "デスクマット", 4200, 3, 1),
    ),
)  # fmt: skip

SHOPS = (BAKERY, COFFEE, TEXTILES, STATIONERY)
