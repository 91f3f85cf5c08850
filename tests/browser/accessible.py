"""What axe-core finds wrong on a page, as screen readers and keyboards would."""

from __future__ import annotations

from playwright.async_api import Page

from tests import npm

AXE = npm.MODULES / "axe-core" / "axe.min.js"


async def accessible(page: Page) -> None:
    """Nothing of what axe can tell is wrong. Put into the page past its Content-Security-Policy."""
    await page.evaluate(AXE.read_text())
    found = await page.evaluate(
        """async () => (await axe.run(document, { resultTypes: ['violations'] })).violations.flatMap(
            ({ id, nodes }) => nodes.map(({ html, failureSummary }) => `${id}: ${html} ${failureSummary}`))"""
    )
    assert found == [], "\n".join(found)


async def fits(page: Page) -> None:
    """Nothing is wider than the window: one scrolls in one direction alone (WCAG 2.2, 1.4.10)."""
    wide = await page.evaluate(
        """() => document.documentElement.scrollWidth <= innerWidth ? []
            : [...document.body.querySelectorAll('*')]
                .filter(each => each.getBoundingClientRect().right > innerWidth + 1)
                .map(each => each.outerHTML.slice(0, 90))"""
    )
    assert wide == [], wide[:5]
