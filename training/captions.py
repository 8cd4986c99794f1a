"""English captions of scenes: paraphrases, clause orders, long descriptions, filler, typos, dropped
facts.

Three wordings: "plain" (the shortest, always the same), "rich" (one sentence) and "long" (several
sentences, as people write who describe a picture to a machine).
"""

import string

from training.artwork import KINDS
from training.scene import INDOORS, UNSAID
from training.words import (
    ABOVE,
    BACKDROP_WORDS,
    BELOW,
    BESIDE,
    COLOUR_WORDS,
    COUNT_WORDS,
    EMPTY_SCENES,
    EMPTY_WORDS,
    FILLER,
    LEFT_OF,
    MASS_WORDS,
    ON_TOP,
    PLURAL_WORDS,
    PREFIXES,
    REMARKS,
    RIGHT_OF,
    SETTING_WORDS,
    SIZE_WORDS,
    STYLE_PREFIXES,
    STYLE_SUFFIXES,
    SUFFIXES,
    TIME_WORDS,
    UNKNOWN_NOUNS,
    WEATHER_WORDS,
    plural,
)

_NOTHING, _NO_TIME = 0.6, 0.3  # how often rich wording leaves out what goes without saying
_SAY_CLEAR = 0.1  # how often it says that the sky is clear
_TYPO = 0.05  # share of rich and long captions with typing errors
_CAPITAL, _FULL_STOP = 0.25, 0.12


def _with_article(phrase):
    return ("an " if phrase[0] in "aeiou" else "a ") + phrase


def _name(kind, rng, rich):
    words = KINDS[kind].words
    return rng.choice(words + words[:1]) if rich else words[0]


def _colour(thing, rng, rich):
    if not thing.colour:
        return []
    words = COLOUR_WORDS[thing.colour]
    return [rng.choice(words) if rich else words[0]]


def _adjectives(rng, rich):
    words = []
    if rich and rng.random() < 0.08:
        words.append(rng.choice(SIZE_WORDS))
    if rich and rng.random() < 0.10:
        words.insert(0, rng.choice(FILLER))
    return words


def _noun(thing, rng, rich):
    """A thing with its article and colour."""
    name = _name(thing.kind, rng, rich)
    colour = _colour(thing, rng, rich)
    phrase = " ".join([*_adjectives(rng, rich), *colour, name])
    if name in PLURAL_WORDS:
        return rng.choice((phrase, f"some {phrase}", f"a pair of {phrase}")) if rich else phrase
    if name in MASS_WORDS:
        return rng.choice((phrase, f"some {phrase}")) if rich else phrase
    if rich and colour and rng.random() < 0.05:
        return _with_article(f"{name} that is {colour[0]}")
    return phrase if rich and rng.random() < 0.06 else _with_article(phrase)


def _row(things, rng, rich):
    words = COUNT_WORDS[len(things)]
    count = rng.choice(words) if rich else words[0]
    name = plural(_name(things[0].kind, rng, rich))
    return " ".join([count, *_adjectives(rng, rich), *_colour(things[0], rng, rich), name])


def _pair(scene, rng, rich):
    first, second = (_noun(thing, rng, rich and rng.random() < 0.5) for thing in scene.things)
    pick = rng.random()
    if scene.relation == "left":
        if pick < 0.40:
            return f"{first} {rng.choice(LEFT_OF if rich else LEFT_OF[:1])} {second}"
        if pick < 0.75:
            return f"{second} {rng.choice(RIGHT_OF if rich else RIGHT_OF[:1])} {first}"
        if rich and pick < 0.82:
            return f"{first} on the left and {second} on the right"
        if rich and pick < 0.87:
            return f"on the right {second}, on the left {first}"
        return f"{first} {rng.choice(BESIDE)} {second}"
    if scene.relation == "on" and pick < 0.6:
        return f"{first} {rng.choice(ON_TOP if rich else ON_TOP[:1])} {second}"
    if pick < 0.8:
        return f"{first} {rng.choice(ABOVE if rich else ABOVE[:1])} {second}"
    return f"{second} {rng.choice(BELOW if rich else BELOW[:1])} {first}"


def _group(scene, rng, rich):
    *most, last = (_noun(thing, rng, rich and rng.random() < 0.3) for thing in scene.things)
    return f"{', '.join(most)} and {last}"


def _goes_without_saying(scene):
    return all(getattr(scene, fact) == value for fact, value in UNSAID.items())


def _nothing(rng, rich):
    if rich and rng.random() >= EMPTY_SCENES:
        return _with_article(" ".join([*_adjectives(rng, rich), rng.choice(UNKNOWN_NOUNS)]))
    return rng.choice(EMPTY_WORDS) if rich else EMPTY_WORDS[0]


def _subject(scene, rng, rich):
    if scene.layout == "row":
        return _row(scene.things, rng, rich)
    if scene.layout == "pair":
        return _pair(scene, rng, rich)
    if scene.layout == "group":
        return _group(scene, rng, rich)
    if scene.layout == "empty":
        return _nothing(rng, rich)
    return _noun(scene.things[0], rng, rich)


def _where_when(scene, rng, rich):
    """Place, time and weather; empty where there is none."""
    if scene.setting == "plain":
        words = rng.choice(BACKDROP_WORDS if rich else BACKDROP_WORDS[:1])
        colours = COLOUR_WORDS[scene.backdrop]
        said = words.format(rng.choice(colours) if rich else colours[0])
        return [said.replace("a orange", "an orange")]
    pick = rng.choice if rich else (lambda words: words[0])
    said = [pick(SETTING_WORDS[scene.setting])]
    if scene.setting in ("room", "stars"):
        return said
    said.append(pick(TIME_WORDS[scene.time]))
    if scene.weather != "clear" or (rich and rng.random() < _SAY_CLEAR):
        said.append(pick(WEATHER_WORDS[scene.weather]))
    return said


def _styled(text, scene, rng, rich):
    """Says the style, before or behind."""
    if scene.style == "flat":
        return text + rng.choice(STYLE_SUFFIXES["flat"]) if rich and rng.random() < 0.06 else text
    if rich and rng.random() < 0.5:
        return rng.choice(STYLE_PREFIXES[scene.style]) + text
    words = STYLE_SUFFIXES[scene.style]
    return text + (rng.choice(words) if rich else words[0])


def _plain(scene, rng):
    text = " ".join([_subject(scene, rng, False), *_where_when(scene, rng, False)])
    return _styled(text, scene, rng, False)


def _sentence(scene, rng):
    """One sentence in rich wording, and whether it begins with the subject."""
    subject, clauses = _subject(scene, rng, True), _where_when(scene, rng, True)
    leave_out = rng.random()
    if leave_out < _NOTHING and scene.layout != "empty" and _goes_without_saying(scene):
        clauses = []
    elif leave_out < _NO_TIME and scene.time == UNSAID["time"] and scene.setting not in INDOORS:
        del clauses[1]
    pick = rng.random()
    if pick < 0.12:
        rng.shuffle(clauses)
    if pick < 0.80 or not clauses:
        return " ".join([subject, *clauses]), True
    if pick < 0.88:
        return f"{' '.join(clauses)}, {subject}", False
    if pick < 0.94:
        return f"{subject}, {', '.join(clauses)}", True
    return f"{clauses[-1]}, {' '.join([subject, *clauses[:-1]])}", False


def _noise(rng):
    """A few words without meaning here; sometimes letters without any meaning."""
    if rng.random() < 0.2:
        return "".join(rng.choice(string.ascii_lowercase) for _ in range(rng.randint(3, 9)))
    return " ".join(rng.choice(FILLER + UNKNOWN_NOUNS) for _ in range(rng.randint(1, 4)))


def _rich(scene, rng):
    text, subject_first = _sentence(scene, rng)
    how = rng.random()
    if scene.style == "flat" and how < 0.15 and subject_first:
        text = rng.choice(PREFIXES) + text
    elif how < 0.30:
        text += rng.choice(SUFFIXES)
    elif how < 0.36:
        text = f"{text}, {_noise(rng)}"
    return _styled(text, scene, rng, True)


def _restated(scene, rng):
    """A sentence that says one of the scene's facts again."""
    clauses = _where_when(scene, rng, True)
    said = [f"Everything happens {clause}." for clause in clauses] + [
        f"It all takes place {' '.join(clauses)}.",
        f"We are {clauses[0]}.",
    ]
    if scene.things:
        thing = rng.choice(scene.things)
        name = _name(thing.kind, rng, True)
        many = scene.layout == "row"
        if many:
            name = plural(name)
        if thing.colour:
            verb = "are" if many or name in PLURAL_WORDS else "is"
            colour = _colour(thing, rng, True)[0]
            said += [f"The {name} {verb} {colour}.", f"Paint the {name} {colour}."]
        else:
            said.append(f"Take care of the {name}.")
    if scene.layout == "pair" and scene.relation == "left":
        left, right = (_name(thing.kind, rng, True) for thing in scene.things)
        said += [
            f"The {left} stands on the left.",
            f"The {right} stands on the right.",
            f"On the left there is the {left}, on the right the {right}.",
        ]
    return rng.choice(said)


def _long(scene, rng):
    text, subject_first = _sentence(scene, rng)
    if scene.style == "flat" and subject_first and rng.random() < 0.5:
        text = rng.choice(PREFIXES) + text
    text = _styled(text, scene, rng, True)
    sentences = [text[0].upper() + text[1:] + "."]
    wanted = rng.randint(2, 7)
    while len(sentences) < wanted:
        sentence = _restated(scene, rng) if rng.random() < 0.45 else rng.choice(REMARKS)
        if sentence not in sentences:
            sentences.insert(rng.randint(0 if rng.random() < 0.3 else 1, len(sentences)), sentence)
    return " ".join(sentences)


def _mistype(word, rng):
    """One typing error: letters swapped, left out or doubled."""
    i = rng.randrange(len(word) - 1)
    error = rng.randrange(3)
    if error == 0:
        return word[:i] + word[i + 1] + word[i] + word[i + 2 :]
    return word[:i] + word[i + 1 :] if error == 1 else word[:i] + word[i] + word[i:]


def _with_typos(text, rng):
    words = text.split(" ")
    i = rng.randrange(len(words))
    if len(words[i]) > 4:
        words[i] = _mistype(words[i], rng)
    return " ".join(words)


def caption(scene, rng, wording="rich"):
    """One caption of a scene."""
    if wording == "plain":
        return _plain(scene, rng)
    text = _long(scene, rng) if wording == "long" else _rich(scene, rng)
    if rng.random() < _TYPO:
        text = _with_typos(text, rng)
    if wording == "rich" and rng.random() < _CAPITAL:
        text = text[0].upper() + text[1:]
    if wording == "rich" and rng.random() < _FULL_STOP:
        text += "."
    return text
