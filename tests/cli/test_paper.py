"""`report --paper` and `--table`: every number of the draft is one of the session's tables, and the printed page holds all of it."""
import csv
import functools
import pathlib
import re
import shutil
import subprocess
import tempfile
import unittest

from harness import SOURCE, CliTest, inferometer, main, without_gnuplot

_scratch = tempfile.TemporaryDirectory()
ENGINE = "{simulated: {ttft_ms: 3, prefill_us_per_token: 50, gap_ms: 0.3, run_sd: 0.01}}"
# Sections whose numbers are of the plan, the machine or the method, or follow from others by a rule of their own.
NOT_MEASURED = {"Introduction", "Method", "Set-up", "Reproduction", "Data", "Threats to validity"}


@functools.cache
def results():
    """The study's plan, 54 runs, with a timing model in place of the engine, and its tables."""
    folder = pathlib.Path(_scratch.name)
    plan = folder / "plan.yaml"
    text = (SOURCE / "plans" / "edge-study.yaml").read_text(encoding="utf-8")
    plan.write_text(text.replace("engines: [embedded]", f"engines: [{ENGINE}]").replace("models: [smollm2-135m]", "models: [toy]"), encoding="utf-8")
    for words in (["run", plan], ["analyze"]):
        done = inferometer(*words, "--out", folder / "results", timeout=300)
        assert done.returncode == 0, done.stderr
    return folder / "results"


@functools.cache
def paper():
    """paper.md, and what the program said when it made it."""
    done = inferometer("report", "--paper", "--out", results(), timeout=300)
    return (results() / "paper" / "paper.md").read_text(encoding="utf-8"), done


def rows_of(name):
    with open(results() / "analysis" / f"{name}.csv", encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def tables_in(markdown):
    """Each pipe table as a list of rows of cells, unescaped."""
    tables, open_table = [], False
    for line in markdown.splitlines():
        if not line.startswith("|"):
            open_table = False
            continue
        if not open_table:
            tables.append([])
        open_table = True
        if not set(line) <= set("|:-"):
            tables[-1].append([cell.strip().replace("\\", "") for cell in re.split(r"(?<!\\)\|", line)[1:-1]])
    return tables


def sections_of(markdown):
    """Text by heading of the second level."""
    parts = re.split(r"^## (.*)$", markdown, flags=re.M)
    return dict(zip(parts[1::2], parts[2::2]))


def shown_as(value, text):
    """Whether a number is what a text shows of it, in any of the units that tables use."""
    decimals = len(text.partition(".")[2])
    return any(abs(round(value * factor, decimals) - abs(float(text))) < 10.0 ** -decimals / 100 for factor in (1, 1e3, 1e6, 1e9, 100))


class Paper(CliTest):
    def test_the_overall_table_is_the_csv_file_rounded(self):
        overall = next(table for table in tables_in(paper()[0]) if table[0][:3] == ["", "", "n"])
        stored = {row["metric"]: row for row in rows_of("summary_stats") if row["grouping"] == "overall"}
        names = {"Latency": "latency_s", "Throughput": "throughput_tok_per_s", "Time to first token": "ttft_s", "Decode speed": "decode_tok_per_s",
                 "Prefill speed": "prefill_tok_per_s", "Time per output token": "tpot_s"}
        self.assertEqual({row[0] for row in overall[1:]}, set(names))
        for name, unit, n, mean, interval, sd, least, median, most in overall[1:]:
            row = stored[names[name]]
            factor = {"s": 1, "ms": 1e3, "µs": 1e6, "tok/s": 1}[unit]
            low, high = re.fullmatch(r"\[(.*), (.*)\]", interval).groups()
            self.assertEqual(n, row["n"])
            for shown, key in [(mean, "mean"), (sd, "sd"), (least, "min"), (median, "median"), (most, "max"), (low, "ci95_low"), (high, "ci95_high")]:
                decimals = len(shown.partition(".")[2])
                self.assertEqual(shown, f"{float(row[key]) * factor:.{decimals}f}", f"{name}, {key}")

    def test_every_number_of_the_results_stands_in_a_csv_file(self):
        values = [1.0 / 100]
        for file in sorted((results() / "analysis").glob("*.csv")):
            for row in rows_of(file.stem):
                for value in row.values():
                    try:
                        values.append(abs(float(value)))
                    except ValueError:
                        pass
        values += [value - 1 for value in values if 0 < value < 3] + [1 - value for value in values if value < 1]  # changes of ratios
        untraced = []
        for heading, text in sections_of(paper()[0]).items():
            if heading in NOT_MEASURED:
                continue
            shown = [(row, " ".join(row[1:])) for table in tables_in(text) for row in table[1:]]
            if heading == "Abstract":
                paragraph = text.strip().split("\n\n")[0]
                shown.append((paragraph, paragraph.replace("95 %", "")))
            for row, numbers in shown:
                for number in re.findall(r"\d+(?:\.\d+)?", numbers.replace("< 0.001", "")):
                    if not any(shown_as(value, number) for value in values):
                        untraced.append((heading, row, number))
        self.assertEqual(untraced, [])

    def test_it_has_the_parts_of_a_paper_and_figures_that_are_there(self):
        text, _ = paper()
        self.assertEqual(list(sections_of(text)), ["Abstract", "Introduction", "Method", "Set-up", "Results", "Threats to validity", "Reproduction", "Data"])
        pictures = re.findall(r"^!\[.*\]\((.*)\)$", text, flags=re.M)
        self.assertGreaterEqual(len(pictures), 8)
        for picture in pictures:
            self.assertTrue((results() / "paper" / picture).read_bytes().startswith(b"\x89PNG"), picture)

    def test_sentences_of_the_summary_are_said_as_there(self):
        summary = " ".join(inferometer("summary", "--out", results()).stdout.split())
        said = [line[2:] for line in sections_of(paper()[0])["Results"].splitlines() if line.startswith("- ")]
        self.assertGreater(len(said), 5)
        for sentence in said:
            plain = re.sub(r"\\(.)", r"\1", sentence).replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
            self.assertIn(plain, summary)

    @unittest.skipUnless(shutil.which("pandoc") and shutil.which("weasyprint"), "no pandoc or weasyprint here")
    def test_the_printed_paper_keeps_to_its_pages(self):
        _, done = paper()
        self.assertEqual(done.returncode, 0, done.stderr)
        pdf = results() / "paper" / "paper.pdf"
        self.assertEqual(done.stdout.splitlines(), [str(results() / "paper" / "paper.md"), str(pdf)])
        self.assertTrue(pdf.read_bytes().startswith(b"%PDF-"))
        if not shutil.which("pdftotext"):
            self.skipTest("no pdftotext here")
        boxes = subprocess.run(["pdftotext", "-bbox", pdf, "-"], capture_output=True, text=True, check=True).stdout
        self.assertNotIn("\ufffd", boxes)
        words = 0
        for page in boxes.split("<page ")[1:]:
            width = float(re.search(r'width="([\d.]+)"', page).group(1))
            for left, right, word in re.findall(r'<word xMin="([-\d.]+)" .*?xMax="([-\d.]+)" .*?>(.*?)</word>', page):
                words += 1
                self.assertGreater(float(left), 40, word)
                self.assertLess(float(right), width - 40, word)
        self.assertGreater(words, 1000)
        pictures = subprocess.run(["pdfimages", "-list", pdf], capture_output=True, text=True, check=True).stdout.count(" image ")
        self.assertGreaterEqual(pictures, 8)

    def test_without_pandoc_the_draft_is_there_and_one_line_says_what_is_missing(self):
        own = self.folder / "results"
        own.mkdir()
        shutil.copy(results() / "inferometer.db", own)
        tools = self.folder / "tools"
        tools.mkdir()
        (tools / "gnuplot").symlink_to(shutil.which("gnuplot"))
        done = inferometer("report", "--paper", "--out", own, environment={"PATH": str(tools)}, timeout=300)
        self.assertEqual(done.returncode, 1)
        self.assertEqual(done.stderr.count("\n"), 1, done.stderr)
        self.assertIn("pandoc: not found", done.stderr)
        self.assertEqual(done.stdout, f"{own / 'paper' / 'paper.md'}\n")
        self.assertIn("## Abstract", (own / "paper" / "paper.md").read_text(encoding="utf-8"))

    def test_without_gnuplot_the_text_is_there(self):
        own = self.folder / "results"
        own.mkdir()
        shutil.copy(results() / "inferometer.db", own)
        done = inferometer("report", "--paper", "--out", own, environment=without_gnuplot(self.folder), timeout=300)
        self.assertEqual(done.returncode, 1)
        self.assertIn("gnuplot: not found", done.stderr)
        self.assertTrue((own / "paper" / "paper.md").exists())


class Table(CliTest):
    def test_formats_hold_the_same_cells(self):
        markdown = tables_in(self.succeeds("report", "--out", results(), "--table", "overall").stdout)[0]
        as_csv = list(csv.reader(self.succeeds("report", "--out", results(), "--table", "overall", "--format", "csv").stdout.splitlines()))
        self.assertEqual(as_csv, markdown)
        latex = self.succeeds("report", "--out", results(), "--table", "overall", "--format", "latex").stdout
        rows = [line[:-len(r" \\")] for line in latex.splitlines() if line.endswith(r"\\")]
        cells = [[cell.strip().replace("{[}", "[").replace("{]}", "]").replace(r"\%", "%") for cell in row.split("&")] for row in rows]
        self.assertEqual(cells, markdown)
        self.assertTrue(latex.startswith("\\begin{tabular}{llrrrrrrr}\n\\toprule\n"), latex[:60])
        self.assertTrue(latex.endswith("\\bottomrule\n\\end{tabular}\n"))

    def test_each_name_prints_what_the_summary_shows(self):
        for name in ["overall", "lengths", "gaps", "temperature", "spread"]:
            self.assertTrue(tables_in(self.succeeds("report", "--out", results(), "--table", name).stdout), name)

    def test_bad_input(self):
        self.refuses("report", "--out", results(), "--table", "nothing", code=2, naming="overall")
        self.refuses("report", "--out", results(), "--format", "csv", code=2, naming="--table")
        self.refuses("report", "--out", results(), "--table", "overall", "--paper", code=2, naming="--table")


if __name__ == "__main__":
    main()
