"""Print the whole book into one PDF: ``python tools/make_pdf.py [SITE] [FILE]`` (`make pdf`).

Each page of the site is printed by the browser, in the order of the table of contents, as a reader
would print it: black on white, solutions shut. The pages are put behind each other, with a mark in
the outline of the PDF for each.
"""

import io
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests"))
FOOT = (
    '<div style="font-size:8px; width:100%; text-align:center; color:#555">{title} · '
    '<span class="pageNumber"></span></div>'
)


def listed():
    """The pages of the book, in their order."""
    toc = (ROOT / "_toc.yml").read_text(encoding="utf-8")
    return re.findall(r"(?:root|file): (\S+)", toc)


def printed(page, address):
    """One page as PDF, and its title."""
    page.goto(address.as_uri())
    page.emulate_media(media="print", color_scheme="light")
    # Pictures below the window come late.
    page.evaluate("document.querySelectorAll('img').forEach(i => { i.loading = 'eager'; })")
    page.wait_for_load_state("networkidle")
    title = page.title().split(" \N{EM DASH} ")[0]
    margin = {"top": "18mm", "bottom": "18mm", "left": "16mm", "right": "16mm"}
    told = page.pdf(
        format="A4", display_header_footer=True, header_template="<span></span>", margin=margin,
        footer_template=FOOT.format(title=title), print_background=True,
    )  # fmt: skip
    return told, title


def main(site, target):
    from browser import chromium, missing, tab
    from pypdf import PdfReader, PdfWriter

    if missing():
        sys.exit(missing())
    book = PdfWriter()
    with chromium() as browser, tab(browser) as page:
        for name in listed():
            told, title = printed(page, site / f"{name}.html")
            place = len(book.pages)
            book.append(PdfReader(io.BytesIO(told)), import_outline=False)
            book.add_outline_item(title=title, page_number=place)
    book.add_metadata({"/Title": "Autoencoders that run"})
    # Each page brings its fonts and pictures along; equal ones are kept once.
    book.compress_identical_objects()
    book.write(target)
    print(f"{len(book.pages)} pages: {target}")


if __name__ == "__main__":
    told = [Path(word).resolve() for word in sys.argv[1:3]]
    main(
        *told,
        *[ROOT / "_build" / "html", ROOT / "_build" / "autoencoders-that-run.pdf"][len(told) :],
    )
