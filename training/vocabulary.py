"""What the model's folder says about its world: the nouns that it draws, and every word that it
knows.
"""

import re

from training import clips, edits, words
from training.artwork import COLOURS, KINDS

CARD = (
    "A small model for trying things out: it knows one illustrated world of {count} kinds of "
    "things, in ten settings at four times of day or before a plain background, in eight styles."
)
_WORD = re.compile(r"[a-z0-9]+")
_PLACEHOLDER = re.compile(r"\{\w*\}")
# Of sentences that captions make.
_SENTENCES = (
    "everything happens it all takes place we are paint the take care of on the left there is "
    "stands on the right that is clear sky some pair image 1 further"
)


def words_of(text):
    """The words of a text, as the list has them."""
    return _WORD.findall(text.lower())


def draws(kinds=tuple(KINDS)):
    """The nouns of the given kinds, the plain one of each first."""
    return [word for name in kinds for word in dict.fromkeys(KINDS[name].words)]


def known_words(kinds=tuple(KINDS)):
    """Every word with a meaning, or that is safely without one, in lower case."""
    nouns = draws(kinds)
    texts = [*nouns, *map(words.plural, nouns), *COLOURS, _SENTENCES]
    for table in (
        words.COLOUR_WORDS,
        words.SETTING_WORDS,
        words.TIME_WORDS,
        words.WEATHER_WORDS,
        words.COUNT_WORDS,
        words.STYLE_PREFIXES,
        words.STYLE_SUFFIXES,
    ):
        texts += [text for said in table.values() for text in said]
    for said in (
        *edits.INTO_STYLE.values(),
        *edits.BARE_WORDS.values(),
        *edits.SAYINGS.values(),
        *clips.SAYINGS.values(),
        edits.NUMBERS,
        edits.SOURCES,
        edits.TOGETHER,
        words.BACKDROP_WORDS,
        words.LEFT_OF,
        words.RIGHT_OF,
        words.BESIDE,
        words.ABOVE,
        words.BELOW,
        words.ON_TOP,
        words.SIZE_WORDS,
        words.EMPTY_WORDS,
        words.PREFIXES,
        words.SUFFIXES,
        words.REMARKS,
        words.FILLER,
        words.FUNCTION_WORDS,
    ):
        texts += said
    return sorted({word for text in texts for word in words_of(_PLACEHOLDER.sub("", text))})


def card(kinds=tuple(KINDS)):
    return CARD.format(count=len(kinds))
