"""Short common English words and things to count: what the items of the language tasks are made of."""

from __future__ import annotations

_WORDS = """
about above actor after again agent alarm album alone along angle ankle answer apple apron arrow autumn bacon badge
baker basket beach beard before begin bench berry birth black blanket blood board bottle bottom brain bread brick
bridge bring brother brown brush bucket build butter button cabin cable camera candle candy carpet carrot castle
cattle chain chair chalk cheese cherry chest chicken child church circle cinema circus clock cloth cloud coast coffee
color comedy copper corner cotton couch cousin cover cradle cream crowd crown daily dance danger daughter depth desert
dinner doctor dollar dragon dream dress drink drive eagle early eight elbow empty energy engine enjoy evening every
family farmer father feather fever field finger finish flame flight floor flower focus forest forget fork friend
frozen fruit funny future garage garden garlic gentle giant glass gloves gold grape grass green group guard guest
guitar habit hammer happy harbor heaven hello helmet hero holiday honey horse hotel house human hundred hungry island
jacket jelly jewel judge juice jungle kettle kitchen kitten knife ladder lake laugh lemon letter light linen lunch
machine magic maple market meadow melon metal milk minute mirror model monkey month moon morning mother motor mountain
mouse mouth movie museum music nature needle nephew never north number ocean office olive onion orange orchard oven
oxygen paint palace paper parent party pencil penny people pepper piano picnic pillow pilot planet plant pocket poem
police pond potato powder prince puppy purple puzzle queen quick quiet rabbit radio railway rain razor ribbon river
rocket round salad sample sand school science shadow sheep shirt shoulder silver sister sleep smart smile smoke snow
sofa soldier song soup spider spring square station statue stone story street student sugar summer sunny supper sweet
table teacher temple tent thank theater thumb ticket tiger today tomato tooth tower traffic train truck trumpet tunnel
turtle uncle under valley velvet village violin visit voice wagon water weather week wheat wheel whisper white window
winter woman wood world yellow young zebra
"""
WORDS: tuple[str, ...] = tuple(_WORDS.split())
"""Lower case, all different."""

THINGS: dict[str, tuple[str, ...]] = {
    "fruits": ("apple", "banana", "orange", "peach", "plum", "pear", "lemon", "grape", "strawberry", "nectarine"),
    "vegetables": ("carrot", "onion", "potato", "cabbage", "cucumber", "pumpkin", "turnip", "leek", "radish", "tomato"),
    "animals": ("cat", "dog", "horse", "cow", "goat", "pig", "rabbit", "duck", "chicken", "snake"),
    "objects": ("chair", "table", "lamp", "stove", "bed", "sofa", "mirror", "clock", "car", "toaster"),
    "instruments": (
        "piano",
        "guitar",
        "flute",
        "violin",
        "drum",
        "trumpet",
        "accordion",
        "clarinet",
        "trombone",
        "harp",
    ),
}
"""What a question asks for, and the things of that kind, in the singular."""

PLURALS: dict[str, str] = {
    "peach": "peaches", "strawberry": "strawberries", "potato": "potatoes", "radish": "radishes", "tomato": "tomatoes",
}  # fmt: skip
"""Plurals that do not just add an s."""
