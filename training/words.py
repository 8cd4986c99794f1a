"""The words of captions: names and paraphrases for what a scene holds, and words that mean nothing
in it.
"""

from training.artwork import COLOURS, KINDS

_IRREGULAR = {
    "fish": "fish",
    "tropical fish": "tropical fish",
    "blowfish": "blowfish",
    "jellyfish": "jellyfish",
    "sheep": "sheep",
    "deer": "deer",
    "snowman": "snowmen",
    "moose": "moose",
    "shrimp": "shrimp",
    "squid": "squid",
    "goose": "geese",
    "mouse": "mice",
    "wolf": "wolves",
    "maple leaf": "maple leaves",
    "potato": "potatoes",
    "tomato": "tomatoes",
    "cup of coffee": "cups of coffee",
    "cup of tea": "cups of tea",
    "loaf of bread": "loaves of bread",
    "die": "dice",
    "bow and arrow": "bows and arrows",
    "statue of liberty": "statues of liberty",
    "policeman": "policemen",
    "scarf": "scarves",
}
# Names that are plural already, and stuff that one does not count.
PLURAL_WORDS = frozenset(
    """
    cherries grapes pancakes fries chips books jeans socks glasses sunglasses gloves scissors
    swords dice trousers pants eyeglasses mittens
    """.split()
)
MASS_WORDS = frozenset(
    """corn maize broccoli garlic bread cheese bacon popcorn sushi spaghetti fire tea coffee beer wine
    clover candy""".split()
)
UNCOUNTED_KINDS = frozenset(
    name for name, kind in KINDS.items() if kind.words[0] in PLURAL_WORDS | MASS_WORDS
)


def plural(word):
    if word in _IRREGULAR:
        return _IRREGULAR[word]
    if word in PLURAL_WORDS | MASS_WORDS:
        return word
    if word.endswith(("s", "x", "ch", "sh")):
        return word + "es"
    if word.endswith("y") and word[-2] not in "aeiou":
        return word[:-1] + "ies"
    return word + "s"


COLOUR_WORDS = {name: (name,) for name in COLOURS} | {
    "grey": ("grey", "gray"),
    "turquoise": ("turquoise", "turquoise", "cyan", "teal"),
    "purple": ("purple", "purple", "violet"),
}
SETTING_WORDS = {
    "meadow": (
        "in a meadow",
        "in a green meadow",
        "on a meadow",
        "in a grassy field",
        "on the grass",
        "in a field",
        "in the countryside",
        "in a garden",
        "in a park",
    ),
    "beach": ("on the beach", "on a beach", "at the beach", "by the sea", "at the seaside"),
    "desert": ("in the desert", "in a desert", "among sand dunes", "in the sandy desert"),
    "snow": (
        "in the snow",
        "in the snow",
        "on a snowy field",
        "in a snowy landscape",
        "in winter",
    ),
    "sea": ("on the sea", "at sea", "on the ocean", "in the ocean", "on the water", "in the water"),
    "forest": ("in the forest", "in a forest", "in the woods", "among trees", "in the jungle"),
    "mountains": (
        "in the mountains",
        "in the mountains",
        "in front of mountains",
        "in a mountain landscape",
        "in the alps",
    ),
    "city": ("in the city", "in a city", "on a city street", "in the street", "downtown"),
    "stars": (
        "in space",
        "among the stars",
        "in outer space",
        "in front of a starry sky",
        "in the starry night sky",
    ),
    "room": ("in a room", "in the room", "indoors", "at home", "in the living room"),
}
TIME_WORDS = {
    "morning": ("in the morning", "at dawn", "early in the morning", "at sunrise"),
    "day": ("during the day", "by day", "at noon", "in daylight", "in the afternoon", "at daytime"),
    "sunset": ("at sunset", "at sunset", "at dusk", "in the evening", "during sunset"),
    "night": ("at night", "at night", "by night", "at midnight"),
}
WEATHER_WORDS = {
    "clear": ("under a clear sky", "in fine weather", "in sunny weather", "under a blue sky"),
    "cloudy": ("under a cloudy sky", "under grey clouds", "in cloudy weather", "when it is overcast"),
    "rain": ("in the rain", "in the rain", "while it rains", "in rainy weather", "when it is raining"),
    "snowfall": (
        "in falling snow",
        "while it snows",
        "while snow is falling",
        "in a snowfall",
        "when it is snowing",
    ),
}
BACKDROP_WORDS = (
    "on a plain {} background",
    "on a {} background",
    "against a {} backdrop",
    "in front of a plain {} wall",
    "with a {} background",
)
LEFT_OF = ("to the left of", "left of", "on the left side of")
RIGHT_OF = ("to the right of", "right of", "on the right side of")
BESIDE = ("next to", "beside", "and", "and", "with", "near")
ABOVE = ("above", "above", "over")
BELOW = ("below", "below", "under", "underneath")
ON_TOP = ("on top of", "on top of", "standing on", "on")
COUNT_WORDS = {
    2: ("two", "two", "2", "a pair of"),
    3: ("three", "three", "3", "a row of three"),
    4: ("four", "four", "4", "a row of four"),
    5: ("five", "five", "5", "a row of five"),
    6: ("six", "six", "6", "a row of six"),
}
SIZE_WORDS = ("big", "large", "huge", "small", "little", "tiny")
EMPTY_WORDS = ("an empty scene", "nothing", "an empty landscape", "nobody", "a quiet place")

STYLE_PREFIXES = {
    "flat": (),
    "pixel": ("pixel art of ", "a pixel art picture of ", "an 8-bit pixel drawing of "),
    "sketch": ("a pencil sketch of ", "a pencil drawing of ", "a sketch of "),
    "watercolour": ("a watercolour of ", "a watercolor painting of ", "a watercolour painting of "),
    "neon": ("a neon sign of ", "neon lines showing ", "a glowing neon picture of "),
    "cutout": ("a paper cut-out of ", "a paper cutout of ", "a paper craft picture of "),
    "blueprint": ("a blueprint of ", "a blueprint drawing of "),
    "sepia": ("a sepia picture of ", "an old sepia photo of "),
}
STYLE_SUFFIXES = {
    "flat": (", flat illustration", ", flat style", ", vector art"),
    "pixel": (", pixel art", ", in pixel art style", ", 8-bit pixel art"),
    "sketch": (", pencil sketch", ", drawn with a pencil", ", as a pencil drawing"),
    "watercolour": (", watercolour", ", watercolor painting", ", in watercolours"),
    "neon": (", neon on black", ", in neon lights", ", glowing neon style"),
    "cutout": (", paper cut-out", ", made of cut paper", ", paper craft"),
    "blueprint": (", blueprint", ", as a blueprint", ", blueprint style"),
    "sepia": (", sepia", ", in sepia tones", ", old sepia photograph"),
}
PREFIXES = (
    "a picture of ",
    "an image of ",
    "a flat illustration of ",
    "an illustration of ",
    "a drawing of ",
    "a simple picture showing ",
    "draw ",
    "show me ",
    "a poster of ",
    "a photo of ",
    "create ",
    "generate an image of ",
    "a cinematic shot of ",
    "a close-up of ",
    "a close-up shot of ",
    "a wide shot of ",
)
SUFFIXES = (
    ", simple shapes",
    ", minimal",
    ", children's book style",
    ", high quality",
    ", soft colours",
    ", 4k",
    ", highly detailed",
    ", trending on artstation",
    ", sharp focus",
    ", professional lighting",
    ", soft sun rays",
)
# Sentences that say nothing about a scene.
REMARKS = (
    "The shapes are clean and simple.",
    "It looks like a page from a children's book.",
    "Nothing else is in the picture.",
    "The mood is calm and quiet.",
    "Use clear colours and a tidy composition.",
    "The light is soft and even.",
    "The whole scene feels peaceful and friendly.",
    "Please keep the picture minimal.",
    "High quality, highly detailed, sharp focus.",
    "The composition is balanced and easy to read.",
    "Make it look professional.",
    "The artist used only a few bold shapes.",
    "There are no words.",
    "Every shape has a clean outline.",
    "It is meant as a poster for a small flat.",
    "The viewer stands a few steps away.",
    "The air is still and nothing moves.",
    "Imagine the opening shot of a short film.",
    "The colours are bright but never harsh.",
    "I want to hang it on my wall.",
    "It was made for a greeting card.",
)
# Common words that mean nothing in this world; the model must learn to look past them.
FILLER = tuple(
    """
beautiful cute lovely nice pretty happy bright simple shiny magic giant wonderful amazing
cozy lonely quiet calm peaceful funny fancy elegant modern old new classic single great perfect
charming fantastic gentle delicate detailed cinematic realistic photo photograph render digital
artwork scene view closeup sharp crisp cool warm fresh clean lone stylish colourful fun dreamy
vivid soft wild famous favourite friendly mysterious strange special tidy plain""".split()
)
# Nouns that the world does not have: alone they give an empty scene, beside others nothing.
UNKNOWN_NOUNS = tuple(
    """
skyline greenhouse expert plumber teacher grandmother knight wizard witch mermaid vampire zombie
samurai dancer singer soldier king queen woman man girl boy child crowd family portrait face
hand eye nebula galaxy planet comet waterfall river lake bridge road highway tunnel cave island
lighthouse windmill barn library museum temple mosque cathedral palace market kitchen bathroom
balcony staircase fence gate bench swing carousel rollercoaster aquarium submarine zeppelin tank
canyon glacier iceberg storm tornado lightning fog mist reef shell coral pearl feather
nest web honeycomb vine fern bamboo bonsai orchid lily daisy ivy moss acorn pinecone walnut olive
cucumber lettuce spinach noodle soup salad steak sausage omelette yoghurt butter jam
vase mirror carpet curtain pillow blanket lamp desk shelf wardrobe oven fridge kettle spoon fork
plate bottle jar wheelbarrow ladder rope chain nail saw drill compass binoculars map flag drone
calculator keyboard printer radio headphones piano harp flute cello necklace bracelet earring
perfume lipstick mask sculpture mosaic tapestry logo gear machine
typewriter chessboard domino marble skeleton skull gravestone treasure pirate cowboy viking
gladiator pharaoh sphinx pyramid ruins temple harbor port dock pier canal marina vineyard orchard
farmland prairie savanna tundra swamp marsh""".split()
)
# Words that make a sentence.
FUNCTION_WORDS = tuple(
    """a an the of and to in is it at by with on under over near next behind before between for from
this that there here are was be has have its his her their my your one some very really much just
please make me show draw create paint generate made no not only without within into onto out up
down or so as but i we you he she they them who which what where when while standing sitting
looking style picture image drawing painting illustration photo art colour color colored coloured
left right side top bottom middle centre center background foreground backdrop many few several
all each every both other another same different also too then than like such more most less
still always never again together alone if can could would should let get got was were s t d m re ll ve
don couldn wouldn shouldn""".split()
)
EMPTY_SCENES = 0.5  # share of the captions of empty scenes that name something unknown
