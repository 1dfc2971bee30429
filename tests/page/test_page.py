#!/usr/bin/env python3
"""report.html in a real browser: INFEROMETER, IFM_SOURCE_DIR; Chromium in PATH (or IFM_CHROMIUM) and PyPI's playwright, without which the test
is left out (exit code 77). IFM_PAGE_SHOTS: a folder for pictures of the page at three widths, light and dark, and as it is printed."""
import contextlib
import os
import pathlib
import shutil
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "cli"))
try:
    from playwright.sync_api import sync_playwright
except ImportError:
    print("no playwright (pip install playwright): the page is not tested in a browser")
    sys.exit(77)
CHROMIUM = os.environ.get("IFM_CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
if not CHROMIUM:
    print("no chromium: the page is not tested in a browser")
    sys.exit(77)

import edited_results  # noqa: E402
from harness import inferometer, main, stored  # noqa: E402

WIDTHS = [400, 900, 1400]
HOSTILE = "</script><script>window.hacked = 1</script><img src=x onerror='window.hacked = 2'>\nsecond line & <b>"
PLAN = """\
version: 1
name: page-<b>test</b>
seed: 3
engines: [{simulated: {ttft_ms: 2, gap_ms: 0.5, run_sd: 0.1}}]
models: [a model]
prompts: [{id: one, text: first}, {id: two, text: second}]
max_tokens: [8, 16]
temperature: [0.0, 0.7]
repeats: 5
"""

# Ratio of the luminances of each visible text and what it stands on. Source: WCAG 2.1, 1.4.3.
LOW_CONTRAST = """() => {
  const parse = (c) => { const n = c.match(/[\\d.]+/g).map(Number); return {rgb: n.slice(0, 3), a: n.length > 3 ? n[3] : 1}; };
  const lum = (rgb) => { const [r, g, b] = rgb.map((v) => { v /= 255; return v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4; });
                         return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
  const paper = (e) => { for (; e; e = e.parentElement) { const c = parse(getComputedStyle(e).backgroundColor); if (c.a > 0) return c.rgb; }
                         return [255, 255, 255]; };
  const low = [];
  for (const e of document.querySelectorAll('body *:not(svg *):not(script):not(style)')) {
    if (![...e.childNodes].some((n) => n.nodeType === 3 && n.data.trim()) || !e.checkVisibility()) continue;
    const [a, b] = [lum(parse(getComputedStyle(e).color).rgb), lum(paper(e))].sort((x, y) => y - x);
    if ((a + 0.05) / (b + 0.05) < 4.5) low.push(e.tagName + ': ' + e.textContent.trim().slice(0, 30));
  }
  return low;
}"""


def make_results(folder):
    plan = folder / "plan.yaml"
    plan.write_text(PLAN, encoding="utf-8")
    done = inferometer("run", plan, "--out", folder / "results")
    assert done.returncode == 0, done.stderr
    [(run,)] = stored(folder / "results" / "inferometer.db", "SELECT id FROM run WHERE kind = 'measured' ORDER BY run_order LIMIT 1")
    edited_results.edit(folder / "results" / "inferometer.db", "run", run, {"text": HOSTILE}, sealed=True)
    done = inferometer("report", "--out", folder / "results")
    assert done.returncode == 0, done.stderr
    return folder / "results" / "report.html", run


class Page(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.resources = contextlib.ExitStack()
        folder = pathlib.Path(cls.resources.enter_context(tempfile.TemporaryDirectory()))
        cls.file, cls.hostile_run = make_results(folder)
        cls.browser = cls.resources.enter_context(sync_playwright()).chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        cls.resources.callback(cls.browser.close)

    @classmethod
    def tearDownClass(cls):
        cls.resources.close()

    def open(self, width=1400, **context):
        context = self.browser.new_context(viewport={"width": width, "height": 900}, **context)
        self.addCleanup(context.close)
        page = context.new_page()
        self.said, self.asked = [], []
        page.on("console", lambda message: self.said.append(message.text))
        page.on("pageerror", lambda error: self.said.append(str(error)))
        page.on("request", lambda request: self.asked.append(request.url))
        page.goto(self.file.as_uri())
        return page

    def test_says_nothing_and_asks_for_nothing(self):
        page = self.open()
        page.wait_for_selector("#run-detail svg")
        self.assertEqual(self.said, [])
        self.assertEqual(self.asked, [self.file.as_uri()])

    def test_fits_each_width_light_and_dark_and_can_be_read(self):
        shots = os.environ.get("IFM_PAGE_SHOTS")
        for scheme in ("light", "dark"):
            for width in WIDTHS:
                with self.subTest(scheme=scheme, width=width):
                    page = self.open(width, color_scheme=scheme)
                    self.assertLessEqual(page.evaluate("document.documentElement.scrollWidth"), width)
                    self.assertEqual(page.evaluate(LOW_CONTRAST), [])
                    if shots:
                        page.screenshot(path=f"{shots}/{scheme}-{width}.png", full_page=True)

    def test_is_printed_whole(self):
        page = self.open()
        pdf = page.pdf(format="A4")
        self.assertGreater(len(pdf), 20_000)
        if shots := os.environ.get("IFM_PAGE_SHOTS"):
            pathlib.Path(shots, "print.pdf").write_bytes(pdf)

    def test_what_a_model_said_stays_text(self):
        page = self.open()
        page.click(f"#runs tbody button:text-is('{self.hostile_run}')")
        self.assertEqual(page.text_content("#run-detail pre.answer"), HOSTILE)
        self.assertIsNone(page.evaluate("window.hacked ?? null"))
        self.assertEqual(page.text_content("h1"), "Inferometer · page-<b>test</b>")

    def test_a_script_that_is_not_ours_does_not_run(self):
        page = self.open()
        page.evaluate("document.body.append(Object.assign(document.createElement('script'), {textContent: 'window.hacked = 3'}))")
        self.assertIsNone(page.evaluate("window.hacked ?? null"))
        self.assertEqual(len(self.said), 1)  # the policy's complaint

    def test_tables_sort_by_number_both_ways(self):
        page = self.open()
        head = page.locator("#runs thead th").nth(5).locator("button")  # latency
        texts = lambda: page.locator("#runs tbody td:nth-child(6)").all_text_contents()
        unit = {"s": 1, "ms": 1e-3, "µs": 1e-6}
        values = lambda: [float(t.split()[0]) * unit[t.split()[1]] for t in texts()]
        head.click()
        self.assertEqual(values(), sorted(values()))
        head.click()
        self.assertEqual(values(), sorted(values(), reverse=True))
        self.assertEqual(page.locator("#runs thead th").nth(5).get_attribute("aria-sort"), "descending")

    def test_a_run_is_chosen_by_the_keyboard(self):
        page = self.open()
        page.focus("#runs tbody tr:nth-child(3) button")
        page.keyboard.press("Enter")
        chosen = page.inner_text("#runs tbody tr:nth-child(3) button")
        self.assertEqual(page.inner_text("#run-detail h3:first-child"), f"Run {chosen}")
        self.assertEqual(page.locator("#run-detail .timeline svg").count(), 2)

    def test_large_and_small_numbers_are_shown_without_exponents(self):
        page = self.open()
        shown = page.locator("#runs tbody td").all_text_contents() + page.locator("#run-detail dd").all_text_contents()
        self.assertEqual([text for text in shown if "e+" in text or "e-" in text], [])
        speeds = page.locator("#runs tbody td:nth-child(8)").all_text_contents()
        self.assertTrue(any(float(speed) > 1000 for speed in speeds), speeds)

    def test_filters_leave_what_was_asked_for(self):
        page = self.open()
        page.select_option("#runs .filters label:has-text('Tokens') select", "16")
        page.select_option("#runs .filters label:has-text('Prompt') select", label="two")
        rows = page.locator("#runs tbody tr")
        self.assertEqual(rows.count(), 10)
        self.assertEqual(set(page.locator("#runs tbody td:nth-child(4)").all_text_contents()), {"16"})
        self.assertEqual(set(page.locator("#runs tbody td:nth-child(3)").all_text_contents()), {"two"})

    def test_without_script_everything_but_the_timelines_is_there(self):
        page = self.open(java_script_enabled=False)
        self.assertEqual(page.locator("#runs tbody tr").count(), 40)
        self.assertGreaterEqual(page.locator("figure svg").count(), 6)
        page.click(f"summary:text-is('Answer of run {self.hostile_run}')")
        self.assertEqual(page.inner_text("details[open] pre"), HOSTILE)

    def test_a_table_is_downloaded_as_it_lies_in_the_results(self):
        page = self.open()
        done = inferometer("analyze", "--out", self.file.parent)
        self.assertEqual(done.returncode, 0, done.stderr)
        for name in ("runs.csv", "summary_stats.csv"):
            with page.expect_download() as download:
                page.click(f"a[download='{name}']")
            self.assertEqual(pathlib.Path(download.value.path()).read_bytes(), (self.file.parent / "analysis" / name).read_bytes())


if __name__ == "__main__":
    main()
