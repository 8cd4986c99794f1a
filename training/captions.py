"""English captions of scenes: paraphrases, clause orders, long descriptions, filler, typos, dropped
facts.

Three wordings: "plain" (the shortest, always the same), "rich" (one sentence) and "long" (several
sentences, as people write who describe a picture to a machine).
"""

import string

from training.words import (
    BACKDROP_WORDS,
    BESIDE,
    COUNT_WORDS,
    FILLER,
    KIND_WORDS,
    LEFT_OF,
    NOISE_WORDS,
    PLURALS,
    PREFIXES,
    REMARKS,
    RIGHT_OF,
    SETTING_WORDS,
    SIZE_WORDS,
    SUFFIXES,
    TIME_WORDS,
)

_NO_TIME, _NO_PLACE = 0.04, 0.03  # how often rich wording drops a fact
_TYPO = 0.06  # share of rich and long captions with typing errors
_CAPITAL, _FULL_STOP = 0.25, 0.12


def _with_article(phrase):
    return ("an " if phrase[0] in "aeiou" else "a ") + phrase


def _name(kind, rng, rich, plural=False):
    word = rng.choice(KIND_WORDS[kind]) if rich else KIND_WORDS[kind][0]
    return PLURALS.get(word, word + "s") if plural else word


def _adjectives(rng, rich):
    words = []
    if rich and rng.random() < 0.10:
        words.append(rng.choice(SIZE_WORDS))
    if rich and rng.random() < 0.12:
        words.insert(0, rng.choice(FILLER))
    return words


def _noun(thing, rng, rich):
    name = _name(thing.kind, rng, rich)
    words = _adjectives(rng, rich) + [thing.colour, name]
    if rich and rng.random() < 0.05:
        return _with_article(f"{name} that is {thing.colour}")
    return " ".join(words) if rich and rng.random() < 0.05 else _with_article(" ".join(words))


def _row(things, rng, rich):
    words = COUNT_WORDS[len(things)]
    count = rng.choice(words) if rich else words[0]
    return " ".join(
        [
            count,
            *_adjectives(rng, rich),
            things[0].colour,
            _name(things[0].kind, rng, rich, plural=True),
        ]
    )


def _pair(things, rng, rich):
    left, right = (_noun(thing, rng, rich and rng.random() < 0.5) for thing in things)
    pick = rng.random()
    if pick < 0.40:
        return f"{left} {rng.choice(LEFT_OF if rich else LEFT_OF[:2])} {right}"
    if pick < 0.75:
        return f"{right} {rng.choice(RIGHT_OF if rich else RIGHT_OF[:2])} {left}"
    if rich and pick < 0.82:
        return f"{left} on the left and {right} on the right"
    first, second = rng.sample((left, right), 2)
    return f"{first} {rng.choice(BESIDE)} {second}"


def _subject(scene, rng, rich):
    if scene.layout == "row":
        return _row(scene.things, rng, rich)
    if scene.layout == "pair":
        return _pair(scene.things, rng, rich)
    return _noun(scene.things[0], rng, rich)


def _where_when(scene, rng, rich):
    if scene.setting == "plain":
        words = BACKDROP_WORDS if rich else BACKDROP_WORDS[:2]
        return rng.choice(words).format(scene.backdrop).replace("a orange", "an orange"), ""
    where, when = SETTING_WORDS[scene.setting], TIME_WORDS[scene.time]
    return (rng.choice(where), rng.choice(when)) if rich else (where[0], when[0])


def _plain(scene, rng):
    where, when = _where_when(scene, rng, rich=False)
    return f"{_subject(scene, rng, rich=False)} {where} {when}".strip()


def _sentence(scene, rng):
    """One sentence in rich wording, and whether it begins with the subject."""
    subject, (where, when) = _subject(scene, rng, rich=True), _where_when(scene, rng, rich=True)
    drop = rng.random()
    if drop < _NO_TIME and when:
        when = ""
    elif drop < _NO_TIME + _NO_PLACE:
        where = ""
    clauses = [clause for clause in (where, when) if clause]
    pick = rng.random()
    if pick < 0.12:
        rng.shuffle(clauses)
    if pick < 0.80 or not clauses:
        return " ".join([subject, *clauses]), True
    if pick < 0.88:
        return f"{' '.join(clauses)}, {subject}", False
    if pick < 0.94:
        return f"{subject}, {', '.join(clauses)}", False
    return f"{clauses[-1]}, {' '.join([subject, *clauses[:-1]])}", False


def _noise(rng):
    """A few words without meaning here; sometimes letters without any meaning."""
    if rng.random() < 0.2:
        return "".join(rng.choice(string.ascii_lowercase) for _ in range(rng.randint(3, 9)))
    return " ".join(rng.choice(NOISE_WORDS) for _ in range(rng.randint(1, 4)))


def _rich(scene, rng):
    text, subject_first = _sentence(scene, rng)
    style = rng.random()
    if style < 0.15 and subject_first:
        return rng.choice(PREFIXES) + text
    if style < 0.30:
        return text + rng.choice(SUFFIXES)
    if style < 0.36:
        return f"{text}, {_noise(rng)}"
    return text


def _restated(scene, rng):
    """A sentence that says one of the scene's facts again."""
    thing = rng.choice(scene.things)
    name = _name(thing.kind, rng, True, plural=scene.layout == "row")
    verb = "are" if scene.layout == "row" else "is"
    where, when = _where_when(scene, rng, rich=True)
    said = [f"The {name} {verb} {thing.colour}.", f"Paint the {name} {thing.colour}."]
    if when:
        said += [
            f"We are {where}.",
            f"Everything happens {when}.",
            f"It all takes place {where} {when}.",
        ]
    if scene.layout == "pair":
        left, right = (_name(t.kind, rng, True) for t in scene.things)
        said += [
            f"The {left} stands on the left.",
            f"The {right} stands on the right.",
            f"On the left there is the {left}, on the right the {right}.",
        ]
    return rng.choice(said)


def _long(scene, rng):
    text, _ = _sentence(scene, rng)
    opening = rng.choice(("", "", *(p for p in PREFIXES)))
    opening = opening + text if text[:2] in ("a ", "an") or not opening else text
    sentences = [opening[0].upper() + opening[1:] + "."]
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
    for _ in range(rng.randint(1, 2)):
        i = rng.randrange(len(words))
        if len(words[i]) > 3:
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
