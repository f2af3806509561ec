"""MkDocs hook: pages of the site from the Markdown files in the root.

README.md, CONTRIBUTING.md, CHANGELOG.md and SECURITY.md are in the root, where people and hosting services look for
them. Their links are rewritten for the site; a link to a file that is not on the site becomes plain text.
"""

from __future__ import annotations

import re
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

PAGES = {
    "README.md": "index.md",
    "CONTRIBUTING.md": "contributing.md",
    "CHANGELOG.md": "changelog.md",
    "SECURITY.md": "security.md",
}
ROOT = Path(__file__).parent.parent

_LINK = re.compile(r"(!?)\[([^\]]*)\]\(([^)\s]+)\)")


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages to the site."""
    for name, page in PAGES.items():
        text = (ROOT / name).read_text(encoding="utf-8")
        files.append(File.generated(config, page, content=_LINK.sub(_of_the_site, text)))
    return files


def _of_the_site(link: re.Match[str]) -> str:
    image, text, target = link.groups()
    path, hash_, anchor = target.partition("#")
    if re.match(r"[a-z]+:", target) or not path:
        return link[0]
    if path.startswith("docs/"):
        return f"{image}[{text}]({path.removeprefix('docs/')}{hash_}{anchor})"
    if path in PAGES:
        return f"{image}[{text}]({PAGES[path]}{hash_}{anchor})"
    return text
