"""The words of captions: names and paraphrases for what a scene holds, and words that mean nothing
in it.
"""

KIND_WORDS = {  # singular forms, the plain one first
    "ball": ("ball", "ball", "sphere"),
    "box": ("box", "box", "crate"),
    "pyramid": ("pyramid",),
    "star": ("star",),
    "heart": ("heart",),
    "house": ("house", "house", "home", "cottage"),
    "tree": ("tree",),
    "car": ("car", "car", "automobile"),
    "flower": ("flower", "flower", "blossom"),
    "mushroom": ("mushroom", "mushroom", "toadstool"),
    "fish": ("fish",),
    "umbrella": ("umbrella", "umbrella", "parasol"),
}
PLURALS = {"box": "boxes", "fish": "fish"}  # the others take an s
SETTING_WORDS = {
    "meadow": (
        "in a meadow",
        "in a green meadow",
        "on a meadow",
        "in a grassy field",
        "on the grass",
        "in a field",
    ),
    "desert": ("in the desert", "in a desert", "among sand dunes", "in the sandy desert"),
    "beach": ("on the beach", "on a beach", "at the beach", "by the sea", "at the seaside"),
    "snow": ("in the snow", "in the snow", "on a snowy field", "in a snowy landscape", "in winter"),
}
TIME_WORDS = {
    "day": (
        "during the day",
        "by day",
        "at noon",
        "on a sunny day",
        "in daylight",
        "in the sunshine",
    ),
    "sunset": ("at sunset", "at sunset", "at dusk", "in the evening", "during sunset"),
    "night": ("at night", "at night", "by night", "under the moon", "in the moonlight"),
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
BESIDE = ("next to", "beside", "and", "and", "with")
COUNT_WORDS = {
    2: ("two", "two", "2", "a pair of"),
    3: ("three", "three", "3", "a row of three"),
    4: ("four", "four", "4", "a row of four"),
}
SIZE_WORDS = ("big", "large", "huge", "small", "little")

PREFIXES = (
    "a picture of ",
    "an image of ",
    "a flat illustration of ",
    "an illustration of ",
    "a drawing of ",
    "a simple picture showing ",
    "draw ",
    "show me ",
    "paper art of ",
    "a poster of ",
    "a photo of ",
    "create ",
    "generate an image of ",
    "a cinematic shot of ",
    "a close-up of ",
)
SUFFIXES = (
    ", flat illustration",
    ", flat style",
    ", vector art",
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
)
# Sentences that say nothing about a scene.
REMARKS = (
    "The style is flat and simple, with clean shapes and soft edges.",
    "It looks like a page from a children's book.",
    "Nothing else is in the picture.",
    "The mood is calm and quiet.",
    "Use clear colours and a tidy composition.",
    "The light is soft and even.",
    "The whole scene feels peaceful and friendly.",
    "Please keep the drawing minimal.",
    "High quality, highly detailed, sharp focus.",
    "The composition is balanced and easy to read.",
    "It should look like cut paper.",
    "Make it look professional.",
    "The artist used only a few bold shapes.",
    "There are no people and no words.",
    "Every shape has a clean outline.",
    "It is meant as a poster for a small room.",
    "The viewer stands a few steps away.",
    "The air is still and nothing moves.",
    "Imagine the opening shot of a short film.",
    "The colours are bright but never harsh.",
    "I want to hang it on my wall.",
    "It was made for a birthday card.",
)
# Common words that mean nothing in this world; the model must learn to look past them.
FILLER = tuple(
    """
beautiful cute lovely nice pretty happy bright simple shiny magic tiny giant wonderful amazing
cozy lonely quiet calm peaceful funny fancy elegant modern old new classic single great perfect
charming fantastic gentle delicate detailed cinematic realistic photo photograph render digital
artwork scene view closeup sharp crisp cool warm fresh clean lone stylish colourful fun dreamy
vivid soft wild little famous favourite friendly mysterious strange special tidy plain""".split()
)
EXTRA_WORDS = tuple(
    """
the of and to in is you that it he was for on are as with his they at be this have from or one
had by word but not what all were we when your can said there use an each which she do how their
if will up other about out many then them these so some her would make like him into time has
look two more write go see number no way could people my than first water been call who oil its
now find long down day did get come made may part over under behind above below between left
right front back top bottom middle centre corner small large big tall short wide red orange
yellow green blue purple pink white black brown grey gold silver dark light sky sun moon star
cloud rain snow wind storm fog ice fire lake river sea ocean wave island mountain hill valley
forest wood tree leaf branch root grass garden park street road path bridge town city village
house door window roof wall room table chair bed lamp clock book paper pen cup plate bottle bag
box gift ball toy doll game kite balloon drum bell flag map boat ship train bus bike truck plane
rocket car wheel cat dog bird fish horse cow sheep pig duck hen lion tiger bear wolf fox rabbit
mouse frog turtle snake spider bee butterfly apple pear banana cherry berry lemon orange grape
bread cake cheese milk egg tea coffee hat coat shoe dress shirt glove scarf crown ring coin key
sword shield castle tower king queen knight dragon fairy robot ghost witch wizard pirate baby
boy girl man woman child friend mother father teacher doctor farmer playing running walking
sleeping sitting standing flying swimming jumping dancing reading eating drinking smiling
laughing holding wearing looking morning noon evening night sunrise sunset spring summer autumn
winter please create draw paint picture image photo style art please show make very really
cartoon anime pixel watercolor oil painting sketch pencil three four five six seven eight nine
ten""".split()
)
# Words of the list above that would say something untrue about a scene.
_TELLING = set(
    """
two three four red orange yellow green blue purple pink white black brown grey gold silver left
right night noon evening sunrise sunset morning winter snow sea ocean beach desert meadow grass
sky sun moon star tree house box ball car fish tea day""".split()
)
NOISE_WORDS = tuple(w for w in FILLER + EXTRA_WORDS if w not in _TELLING)
