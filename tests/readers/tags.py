"""Reads tags with mutagen for `tests/tests/tag.rs`.

`enrich FILES` adds what people's files have: pictures, private frames, several values; `keys FILES` prints the key of
each; `rest FILES` prints everything else.
"""

import sys
from pathlib import Path

import mutagen
from mutagen.flac import FLAC, Picture
from mutagen.id3 import APIC, COMM, POPM, PRIV, TXXX
from mutagen.mp4 import MP4, AtomDataType, MP4Cover, MP4FreeForm

KEY = {"initialkey", "TKEY", "----:com.apple.iTunes:initialkey"}
PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(64))


def enrich(path: str) -> None:
    """Adds frames to ID3, a picture to FLAC, a cover and a free-form atom to MP4, a second artist to comments."""
    file = mutagen.File(path)
    if file.tags is None:
        file.add_tags()
    tags = file.tags
    if isinstance(file, MP4):
        tags["covr"] = [MP4Cover(PNG, MP4Cover.FORMAT_PNG)]
        tags["----:com.serato.dj:markers"] = [
            MP4FreeForm(b"\x00\x01\xff", AtomDataType.IMPLICIT)
        ]
    elif hasattr(tags, "getall"):
        tags.add(PRIV(owner="www.example.org", data=b"\x00\x01\xff"))
        tags.add(APIC(encoding=3, mime="image/png", type=3, desc="front", data=PNG))
        tags.add(COMM(encoding=3, lang="deu", desc="two", text="zweiter"))
        tags.add(TXXX(encoding=3, desc="SERATO_PLAYCOUNT", text="7"))
        tags.add(POPM(email="a@example.org", rating=196, count=3))
    else:
        tags["artist"] = ["one", "two"]
    if isinstance(file, FLAC):
        picture = Picture()
        picture.data, picture.mime, picture.type = PNG, "image/png", 3
        picture.width = picture.height = picture.depth = 1
        file.add_picture(picture)
    if path.endswith("old.mp3"):
        file.save(v2_version=3)
    else:
        file.save()


def rest(path: str) -> str:
    """Everything in the tag but the key, sorted."""
    file = mutagen.File(path)
    entries = {
        name: repr(value)
        for name, value in file.tags.items()
        if name not in KEY and name.lower() not in KEY
    }
    pictures = [
        (picture.type, picture.data) for picture in getattr(file, "pictures", [])
    ]
    return f"{sorted(entries.items())} {pictures}"


def key(path: str) -> str:
    """The key, as text."""
    tags = mutagen.File(path).tags
    found = [tags[name] for name in KEY if name in tags]
    value = found[0][0] if isinstance(found[0], list) else str(found[0])
    return value.decode() if isinstance(value, bytes) else value


def main() -> None:
    """Does what the first argument says for the others."""
    what, *paths = sys.argv[1:]
    for path in paths:
        if what == "enrich":
            enrich(path)
        else:
            print(f"{Path(path).name}: {rest(path) if what == 'rest' else key(path)}")


main()
