"""`report`: the page of a session, and what it does when something is missing. In a browser: tests/page/."""
import functools
import html.parser
import os
import pathlib
import shutil
import sqlite3
import tempfile

from harness import CliTest, inferometer, main, without_gnuplot

PLAN = """\
version: 1
name: page
seed: 1
engines: [{simulated: {ttft_ms: 1, gap_ms: 0.1, run_sd: 0.1}}]
models: [m]
prompts: [{id: one, text: first}]
max_tokens: [4, 8]
temperature: [0.0, 0.7]
repeats: 3
"""


class Elements(html.parser.HTMLParser):
    """Tags that are open, so that one that is never closed is seen."""
    VOID = {"meta", "br", "link", "img", "input"}

    def __init__(self):
        super().__init__()
        self.open, self.wrong = [], []

    def handle_starttag(self, tag, attrs):
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        pass

    def handle_endtag(self, tag):
        if not self.open or self.open.pop() != tag:
            self.wrong.append(tag)


@functools.cache
def measured():
    """A results folder, made once."""
    folder = pathlib.Path(_scratch.name)
    (folder / "plan.yaml").write_text(PLAN, encoding="utf-8")
    done = inferometer("run", folder / "plan.yaml", "--out", folder / "results")
    assert done.returncode == 0, done.stderr
    return folder / "results"


_scratch = tempfile.TemporaryDirectory()


class Report(CliTest):
    def results(self):
        shutil.copytree(measured(), self.folder / "results")
        return self.folder / "results"

    def test_the_page_is_whole_and_all_figures_are_inside(self):
        out = self.results()
        self.assertEqual(self.succeeds("report", "--out", out).stdout, f"{out / 'report.html'}\n")
        page = (out / "report.html").read_text(encoding="utf-8")
        elements = Elements()
        elements.feed(page)
        self.assertEqual((elements.open, elements.wrong), ([], []))
        self.succeeds("analyze", "--out", out)
        for figure in (out / "figures").glob("*.svg"):
            self.assertIn(f'<title id="{figure.stem}-name">', page)
        self.assertRegex(page, r'<title id="gaps_run_\d+-name">')

    def test_without_gnuplot_the_page_is_there_without_figures_and_one_line_says_so(self):
        out = self.results()
        done = inferometer("report", "--out", out, environment=without_gnuplot(self.folder))
        self.assertEqual(done.returncode, 1)
        self.assertRegex(done.stderr, r"^inferometer: .*report\.html: made without its figures: gnuplot: not found.*apt-get install gnuplot-nox.*\n$")
        page = (out / "report.html").read_text(encoding="utf-8")
        self.assertNotIn("<figure>", page)
        self.assertIn("<h2 id=\"overall-title\">", page)

    def test_an_empty_folder_and_a_newer_file_are_one_line(self):
        self.refuses("report", "--out", self.folder / "none", code=1, naming="no results there")
        out = self.results()
        with sqlite3.connect(out / "inferometer.db") as database:
            database.execute("PRAGMA user_version = 999")
        database.close()
        self.refuses("report", "--out", out, code=1, naming="written by a newer inferometer")
        self.assertFalse((out / "report.html").exists())

    def test_a_page_that_cannot_be_written_is_one_line(self):
        out = self.results()
        (out / "report.html").mkdir()
        self.refuses("report", "--out", out, code=1, naming="report.html")
        self.assertEqual([path.name for path in out.iterdir() if path.name.startswith(".")], [])

    def test_a_session_of_failed_runs_has_a_page(self):
        path, out = self.folder / "plan.yaml", self.folder / "results"
        path.write_text(PLAN.replace("run_sd: 0.1", "fail_every: 1"), encoding="utf-8")
        inferometer("run", path, "--out", out)
        self.succeeds("report", "--out", out)
        self.assertIn("No run has timings.", (out / "report.html").read_text(encoding="utf-8"))

    def test_a_comparison_is_drawn_and_stands_in_its_page(self):
        path, out = self.folder / "plan.yaml", self.folder / "pairs"
        path.write_text(PLAN.replace("repeats: 3", "repeats: 1"), encoding="utf-8")
        for name in ("effects.png", "effects.svg"):
            inferometer("compare", path, "--pairs", "4", "--out", out, "--figure", self.folder / name)
        self.assertTrue((self.folder / "effects.png").read_bytes().startswith(b"\x89PNG"))
        self.assertIn("<svg", (self.folder / "effects.svg").read_text(encoding="utf-8"))
        self.refuses("compare", path, "--figure", "effects.jpg", code=2, naming=["--figure", "effects.jpg"])
        self.succeeds("report", "--out", out)
        page = (out / "report.html").read_text(encoding="utf-8")
        self.assertIn("<h2 id=\"comparison-inconclusive-title\">Comparison: inconclusive</h2>", page)
        self.assertIn('<title id="10_effects-name">', page)


if __name__ == "__main__":
    main()
