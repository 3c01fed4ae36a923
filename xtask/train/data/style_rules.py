"""Hand-written rules that turn what is known about a file of free music into a style, or into none.

In this order, the first that applies: a file name that says it is no music, the author's own genre field, the file's title or name, what the package's documents and
its composers say of all of its music, the format (a tracker module is made of samples on a computer), and last a machine's
guess where its tags agree with each other. A guess that the rules don't confirm gives no label. `source` says which rule it
was; every count in the card is by it.
"""

import re

NONE = "none of these"
TRACKER = (".mod", ".xm", ".it", ".s3m")

# Genre fields as authors write them. "Soundtrack", "Instrumental" and "VGM" name a use, not a style. "Blues" is not among
# them: it is number 0 of ID3's list, which programs write when nobody chose.
FIELDS = {
    "electronic": r"electro|techno|trance|house|dnb|drum.?(and|n|&).?bass|breakbeat|chip|8.?bit|idm|synth|dance|demo",
    "ambient": r"ambient|new age|chill",
    "classical": r"classic|orchestr|symphon|baroque",
    "folk": r"folk|celtic|medieval|ethnic|world",
    "metal": r"metal|grind|thrash",
    "rock": r"rock|punk|indie|grunge",
    "hiphop": r"hip.?hop|rap\b|trip.?hop",
    "jazz": r"jazz|swing|big band",
    "country": r"country|bluegrass",
    "reggae": r"reggae|ska\b|dub\b",
    "disco": r"disco|funk|soul",
    "pop": r"pop\b",
}
# Titles and file names that name a style or a sound without doubt.
TITLES = {
    NONE: r"^(birds|frogs|oceanwaves|rain|wind_|static-radio|sara_airport_pa|steamlocomotive)",
    "folk": r"celtic|^irelands_coast|greatfair|medieval",
    "metal": r"\bmetal\b",
    "classical": r"peer gynt|symphony|nunc_dimittis|orchestra",
    "electronic": r"chipdisko|boom_boom_boom|cyber_dance|techno|electro\b|trance|highfrequency",
    "rock": r"^rock\.",
}
# Packages whose music is of one style as a whole: game music for orchestra, songs of metal bands, the loops of arcade
# shooters and of demo scene composers. A machine's guess must not contradict them (see `label`).
PACKAGES = {
    "wesnoth-1.16-music": "classical",
    "fretsonfire-songs-muldjord": "metal",
    "tumiki-fighters-data": "electronic",
    "torus-trooper-data": "electronic",
    "gunroar-data": "electronic",
    "mu-cade-data": "electronic",
    "titanion-data": "electronic",
    "parsec47-data": "electronic",
    "rrootage-data": "electronic",
    "zaz-data": "electronic",
}
DANCE = {"electronic", "electro", "electronica", "dance", "house"}
QUIET = {"ambient", "chillout", "electronic", "experimental", "instrumental"}


def first_match(patterns, text):
    for style, pattern in patterns.items():
        if re.search(pattern, text, re.IGNORECASE):
            return style
    return None


def guessed(tags, genre, probability):
    """The style that a machine's three first tags of the Million Song Dataset and its guess among GTZAN's genres agree on."""
    tags = [tag.lower() for tag in tags]
    if len(tags) < 3:
        return None
    beside = set(tags)
    if genre == "metal" and probability > 0.5 and beside & {"metal", "heavy metal"}:
        return "metal"
    if genre == "rock" and probability > 0.4 and "rock" in tags[:2] and not beside & DANCE:
        return "rock"
    if genre == "classical" and probability > 0.75 and "instrumental" in beside and tags[0] != "electronic":
        return "classical"
    if genre == "jazz" and probability > 0.5 and tags[0] == "jazz":
        return "jazz"
    if {"folk", "acoustic"} <= beside:
        return "folk"
    if genre in {"country", "rock", "classical"} and probability < 0.6 and tags[0] == "folk":
        return "folk"
    if beside <= DANCE and genre != "classical":
        return "electronic"
    if tags[0] == "ambient" and beside <= QUIET and probability < 0.6:
        return "ambient"
    return None


def contradicts(style, tags):
    """Whether a machine hears something else than the package's style."""
    beside = {tag.lower() for tag in tags}
    if style == "classical":
        return (bool(tags) and not beside & {"instrumental", "ambient", "jazz"}) or bool(
            beside & {"rock", "indie", "metal"}
        )
    return False


def label(package, path, field, title, tags=(), genre="", probability=0.0):
    """(style, source) of a file; (None, "") when no rule knows."""
    name = path.rsplit("/", 1)[-1]
    if re.search(TITLES[NONE], name, re.IGNORECASE):
        return NONE, "title"
    if style := first_match(FIELDS, field):
        return style, "author's field"
    if style := first_match(TITLES, title) or first_match(TITLES, name):
        return style, "title"
    style = PACKAGES.get(package)
    if style and not contradicts(style, tags):
        return style, "package"
    if path.lower().endswith(TRACKER):
        return "electronic", "tracker module"
    style = guessed(tags, genre, probability)
    return (style, "machine, checked") if style else (None, "")
