"""Captions in six more languages: nouns from CLDR's annotations (Unicode, Inc., Unicode License V3),
places, times, weather and colours from here. Plain sentences about one thing, or two side by side.
"""

import functools
import json
from dataclasses import dataclass

from training import artwork, packages
from training.artwork import KINDS

PACKAGE, VERSION = "cldr-annotations-modern", "45.0.0"


@dataclass(frozen=True)
class Language:
    articles: tuple  # any of them: a model that forgives a wrong one is the better for it
    phrase: str  # of a thing
    sentence: str  # of a scene
    both: str  # two things
    plain: str  # a backdrop
    colours: dict
    settings: dict
    times: dict
    weathers: dict
    other_nouns: dict  # where CLDR's name says more than the kind is


def _table(text):
    """Lines of "key: one | another"."""
    rows = (line.split(":", 1) for line in text.strip().splitlines())
    return {key.strip(): tuple(w.strip() for w in words.split("|")) for key, words in rows}


def _german():
    stems = dict(
        red="rot", orange="orange", yellow="gelb", green="grün", turquoise="türkis", blue="blau",
        purple="lila", pink="rosa", brown="braun", white="weiß", grey="grau", black="schwarz",
    )  # fmt: skip
    bent = lambda stem: tuple(stem + end for end in ("er", "e", "es", "en"))
    return {
        name: (stem,) if name in ("orange", "purple", "pink") else bent(stem)
        for name, stem in stems.items()
    }


LANGUAGES = {
    "de": Language(
        articles=("ein", "eine", "der", "die", "das", ""),
        phrase="{article} {colour} {noun}",
        sentence="{things} {rest}",
        both="{} und {}",
        plain="vor {colour} Hintergrund",
        colours=_german(),
        settings=_table("""
            meadow: auf einer Wiese | im Garten | auf dem Feld
            beach: am Strand | am Meer
            desert: in der Wüste
            snow: im Schnee | im Winter
            sea: auf dem Meer | im Wasser
            forest: im Wald
            mountains: in den Bergen | im Gebirge
            city: in der Stadt | auf der Straße
            stars: im Weltraum | zwischen den Sternen
            room: in einem Zimmer | im Haus"""),
        times=_table("""
            morning: am Morgen | bei Sonnenaufgang
            day: am Tag | am Mittag
            sunset: bei Sonnenuntergang | am Abend
            night: in der Nacht | bei Nacht"""),
        weathers=_table("""
            cloudy: bei Wolken | unter Wolken
            rain: im Regen
            snowfall: bei Schneefall"""),
        other_nouns={"red-apple": "Apfel", "red-heart": "Herz"},
    ),
    "fr": Language(
        articles=("un", "une", "le", "la"),
        phrase="{article} {noun} {colour}",
        sentence="{things} {rest}",
        both="{} et {}",
        plain="sur un fond {colour}",
        colours=_table("""
            red: rouge
            orange: orange
            yellow: jaune
            green: vert | verte
            turquoise: turquoise
            blue: bleu | bleue
            purple: violet | violette
            pink: rose
            brown: marron | brun | brune
            white: blanc | blanche
            grey: gris | grise
            black: noir | noire"""),
        settings=_table("""
            meadow: dans un pré | dans un jardin | dans l'herbe
            beach: à la plage | sur la plage
            desert: dans le désert
            snow: dans la neige | en hiver
            sea: en mer | sur l'eau
            forest: dans la forêt
            mountains: à la montagne | dans les montagnes
            city: en ville | dans la rue
            stars: dans l'espace | parmi les étoiles
            room: dans une chambre | à la maison"""),
        times=_table("""
            morning: le matin | au lever du soleil
            day: le jour | à midi
            sunset: au coucher du soleil | le soir
            night: la nuit | de nuit"""),
        weathers=_table("""
            cloudy: sous un ciel nuageux
            rain: sous la pluie
            snowfall: sous la neige qui tombe"""),
        other_nouns={"red-apple": "pomme", "red-heart": "cœur", "umbrella": "parapluie"},
    ),
    "es": Language(
        articles=("un", "una", "el", "la"),
        phrase="{article} {noun} {colour}",
        sentence="{things} {rest}",
        both="{} y {}",
        plain="sobre un fondo {colour}",
        colours=_table("""
            red: rojo | roja
            orange: naranja
            yellow: amarillo | amarilla
            green: verde
            turquoise: turquesa
            blue: azul
            purple: morado | morada
            pink: rosa
            brown: marrón
            white: blanco | blanca
            grey: gris
            black: negro | negra"""),
        settings=_table("""
            meadow: en un prado | en el jardín | en el campo
            beach: en la playa
            desert: en el desierto
            snow: en la nieve | en invierno
            sea: en el mar | en el agua
            forest: en el bosque
            mountains: en las montañas | en la montaña
            city: en la ciudad | en la calle
            stars: en el espacio | entre las estrellas
            room: en una habitación | en casa"""),
        times=_table("""
            morning: por la mañana | al amanecer
            day: de día | al mediodía
            sunset: al atardecer | por la tarde
            night: de noche | por la noche"""),
        weathers=_table("""
            cloudy: con nubes | bajo un cielo nublado
            rain: bajo la lluvia
            snowfall: mientras nieva"""),
        other_nouns={"red-apple": "manzana", "red-heart": "corazón"},
    ),
    "pt": Language(
        articles=("um", "uma", "o", "a"),
        phrase="{article} {noun} {colour}",
        sentence="{things} {rest}",
        both="{} e {}",
        plain="com fundo {colour}",
        colours=_table("""
            red: vermelho | vermelha
            orange: laranja
            yellow: amarelo | amarela
            green: verde
            turquoise: turquesa
            blue: azul
            purple: roxo | roxa
            pink: rosa
            brown: marrom | castanho
            white: branco | branca
            grey: cinza
            black: preto | preta"""),
        settings=_table("""
            meadow: num prado | no jardim | no campo
            beach: na praia
            desert: no deserto
            snow: na neve | no inverno
            sea: no mar | na água
            forest: na floresta
            mountains: nas montanhas
            city: na cidade | na rua
            stars: no espaço | entre as estrelas
            room: num quarto | em casa"""),
        times=_table("""
            morning: de manhã | ao amanhecer
            day: de dia | ao meio-dia
            sunset: ao pôr do sol | ao entardecer
            night: à noite | de noite"""),
        weathers=_table("""
            cloudy: com nuvens
            rain: na chuva
            snowfall: enquanto neva"""),
        other_nouns={"red-apple": "maçã", "red-heart": "coração"},
    ),
    "ja": Language(
        articles=("",),
        phrase="{colour}{noun}",
        sentence="{rest}{things}",
        both="{}と{}",
        plain="{colour}背景の",
        colours=_table("""
            red: 赤い
            orange: オレンジ色の
            yellow: 黄色い
            green: 緑の
            turquoise: 水色の
            blue: 青い
            purple: 紫の
            pink: ピンクの
            brown: 茶色い
            white: 白い
            grey: 灰色の
            black: 黒い"""),
        settings=_table("""
            meadow: 草原の | 庭の
            beach: 浜辺の | ビーチの
            desert: 砂漠の
            snow: 雪の中の
            sea: 海の
            forest: 森の
            mountains: 山の
            city: 街の
            stars: 宇宙の
            room: 部屋の"""),
        times=_table("""
            morning: 朝の
            day: 昼の
            sunset: 夕方の | 夕焼けの
            night: 夜の"""),
        weathers=_table("""
            cloudy: 曇りの
            rain: 雨の
            snowfall: 雪が降る"""),
        other_nouns={"red-apple": "リンゴ", "red-heart": "ハート", "cow": "牛", "lady-beetle": "てんとう虫"},
    ),
    "zh": Language(
        articles=("", "一个", "一只"),
        phrase="{article}{colour}{noun}",
        sentence="{rest}{things}",
        both="{}和{}",
        plain="{colour}背景上的",
        colours=_table("""
            red: 红色的 | 红
            orange: 橙色的
            yellow: 黄色的 | 黄
            green: 绿色的 | 绿
            turquoise: 青色的
            blue: 蓝色的 | 蓝
            purple: 紫色的
            pink: 粉色的
            brown: 棕色的
            white: 白色的 | 白
            grey: 灰色的
            black: 黑色的 | 黑"""),
        settings=_table("""
            meadow: 草地上的
            beach: 海滩上的
            desert: 沙漠里的
            snow: 雪地里的
            sea: 海上的
            forest: 森林里的
            mountains: 山里的
            city: 城市里的 | 街上的
            stars: 太空中的
            room: 房间里的"""),
        times=_table("""
            morning: 早晨
            day: 白天
            sunset: 日落时
            night: 夜晚"""),
        weathers=_table("""
            cloudy: 多云的
            rain: 雨中
            snowfall: 下雪时"""),
        other_nouns={"red-apple": "苹果", "red-heart": "心", "ewe": "羊", "cow": "牛"},
    ),
}  # fmt: skip


def fetch():
    """The folder of CLDR's annotations."""
    members = tuple(f"annotations/{code}/annotations.json" for code in LANGUAGES)
    return packages.fetch(PACKAGE, VERSION, members)


@functools.cache
def nouns(code):
    """The name of each kind in a language."""
    stored = json.loads((fetch() / "annotations" / code / "annotations.json").read_text())
    names = stored["annotations"]["annotations"]
    found = {}
    for kind in KINDS:
        # CLDR leaves out the sign that asks for a coloured drawing.
        signs = [sign.replace("\ufe0f", "") for sign in artwork.characters()[kind]]
        found[kind] = next(names[sign]["tts"][0] for sign in signs if sign in names)
    return found | LANGUAGES[code].other_nouns


def can_say(scene):
    """Whether the plain sentences of this page have words for a scene."""
    pair = scene.layout == "pair" and scene.relation == "left"
    return scene.style == "flat" and (scene.layout == "single" or pair)


def caption(scene, code, rng):
    """One caption of a scene that can be said."""
    language, noun = LANGUAGES[code], nouns(code)
    things = [
        language.phrase.format(
            article=rng.choice(language.articles),
            colour=rng.choice(language.colours[thing.colour]) if thing.colour else "",
            noun=noun[thing.kind],
        )
        for thing in scene.things
    ]
    if scene.setting == "plain":
        rest = [language.plain.format(colour=rng.choice(language.colours[scene.backdrop]))]
    else:
        rest = [rng.choice(language.settings[scene.setting])]
        if scene.setting not in ("room", "stars"):
            rest.append(rng.choice(language.times[scene.time]))
            if scene.weather != "clear":
                rest.append(rng.choice(language.weathers[scene.weather]))
    close = code in ("ja", "zh")  # no blanks between words; time before place
    said = language.sentence.format(
        things=language.both.format(*things) if len(things) == 2 else things[0],
        rest=("" if close else " ").join(rest[::-1] if close else rest),
    )
    return " ".join(said.split())
