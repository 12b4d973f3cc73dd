"""An SVG that matplotlib wrote, made small and fit for a page: no inline styles, short numbers, own ids."""

import re

PREFIX = re.compile(r"^.*?(?=<svg )", re.DOTALL)
METADATA = re.compile(r"\s*<metadata>.*?</metadata>|\s*<defs>\s*<style.*?</style>\s*</defs>", re.DOTALL)
ROOT = re.compile(r'<svg [^>]*?viewBox="0 0 (\S+) (\S+)"[^>]*>')
STYLE = re.compile(r' style="([^"]*)"')
LONG_NUMBER = re.compile(r"-?\d+\.\d{2,}")
TAG = re.compile(r"<[^>]*>")
COORDINATES = re.compile(r' d="([^"]+)"')
IDENTITY = re.compile(r' id="([^"]+)"')
COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)
UNTURNED = re.compile(r' transform="rotate\(-0 [^)]*\)"')
CLASSES = {"title": "title", "point": "point", "matplotlib.axis_1": "x-axis"}
TITLE_HEIGHT = 22
"""Points at the top of a plot that its title takes."""
NEUTRAL = {"stroke-linejoin", "stroke-linecap", "stroke-miterlimit"}


def for_page(text: str, name: str) -> str:
    """The `<svg>` element of a matplotlib SVG for use inside an HTML page.

    A page with a strict content policy ignores `style="..."`, so styles become attributes, which the page's own
    style sheet can override for the dark. Fonts are left to the page. Ids are those of this plot alone. What a
    reader of the page cannot see (metadata, comments, digits beyond a hundredth of a point) goes.
    """
    text = METADATA.sub("", COMMENT.sub("", PREFIX.sub("", text, count=1)))
    text = ROOT.sub(lambda found: _root(name, float(found[1]), float(found[2])), text, count=1)
    text = text.replace("xlink:href", "href")
    text = UNTURNED.sub("", STYLE.sub(_attributes, text))
    text = _own_ids(text, name)
    text = TAG.sub(lambda found: LONG_NUMBER.sub(_short, found[0]), text)  # in tags, so that no label changes
    text = COORDINATES.sub(lambda found: f' d="{_tight(found[1])}"', text)
    return re.sub(r">\s+<", "><", text).strip()


def _short(found: re.Match[str]) -> str:
    return f"{float(found[0]):.2f}".rstrip("0").rstrip(".")


def _root(name: str, width: float, height: float) -> str:
    """The opening tag, without the strip at the top that holds the title: the page has its own."""
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="plot" id="{name}" viewBox="0 {TITLE_HEIGHT} {width:g} '
        f'{height - TITLE_HEIGHT:g}" role="img" aria-labelledby="{name}-title">'
    )


def _attributes(found: re.Match[str]) -> str:
    """`style="fill: none; stroke: #123456"` as ` fill="none" stroke="#123456"`."""
    kept = []
    for part in found[1].split(";"):
        name, _, value = (piece.strip() for piece in part.partition(":"))
        if name and name not in NEUTRAL and name != "font-family":
            kept.append(f' {name}="{value}"')
    return "".join(kept)


def _own_ids(text: str, name: str) -> str:
    """Ids that something refers to get the plot's name before them; some become classes; the others go."""
    used = set(re.findall(r'(?:href="#|url\(#)([^")]+)', text))

    def renamed(found: re.Match[str]) -> str:
        identity = found[1]
        if identity in used:
            return f' id="{name}-{identity}"'
        if identity == name:
            return found[0]
        if identity in CLASSES:
            return f' class="{CLASSES[identity]}"'
        return ""

    text = IDENTITY.sub(renamed, text)
    return re.sub(r'(href="#|url\(#)', rf"\g<1>{name}-", text)


def _tight(path: str) -> str:
    """Path data on one line: `M1 2L3 4`."""
    return re.sub(r"\s*([MLQCz])\s*", r"\1", path.replace("\n", " "))
