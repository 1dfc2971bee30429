#include "inferometer/render/table.h"

#include <array>
#include <cmath>
#include <limits>

#include <gmock/gmock.h>

#include "inferometer/render/csv.h"
#include "inferometer/render/display.h"
#include "inferometer/render/document.h"
#include "inferometer/render/number.h"

namespace ifm {
namespace {

using ::testing::ElementsAre;

TEST(DisplayWidth, CountsColumnsNotBytes) {
  EXPECT_EQ(display_width("µs"), 2);
  EXPECT_EQ(display_width("e\xcc\x81"), 1);  // e and a combining acute accent
  EXPECT_EQ(display_width("日本"), 4);
  EXPECT_EQ(display_width("🙂"), 2);
  EXPECT_EQ(display_width("\xff"), 1);
}

TEST(TableLines, AlignsByDisplayWidthAndLeavesOutEmptyColumns) {
  const ReportTable table{{{"name", Align::left}, {"µs"}, {"nothing"}}, {{"日本", "1.5"}, {"a", "10.25", ""}}};
  EXPECT_THAT(table_lines(table, 2), ElementsAre("  name     µs", "  日本    1.5", "  a     10.25"));
}

TEST(TableLines, EscapesCells) {
  const ReportTable table{{{"x", Align::left}}, {{"a\nb"}}};
  EXPECT_THAT(table_lines(table, 0), ElementsAre("x", "a\\nb"));
}

TEST(MarkdownTable, EscapesBarsAndAligns) {
  const ReportTable table{{{"a|b", Align::left}, {"n"}}, {{"x|y", "1"}}};
  EXPECT_EQ(markdown_table(table), "| a\\|b | n |\n|:---|---:|\n| x\\|y | 1 |\n");
}

TEST(WrapText, BreaksAtTheWidthAndIndents) {
  EXPECT_THAT(wrap_text("one two three four", 11, "- ", "  "), ElementsAre("- one two", "  three", "  four"));
  EXPECT_THAT(wrap_text("unbreakable", 4, "", ""), ElementsAre("unbreakable"));
  EXPECT_TRUE(wrap_text("", 10, "- ", "").empty());
}

TEST(RenderText, UsesColourOnlyWhenAsked) {
  const Document document{Title{"T", "note"}, Heading{"H", ""}, Facts{{{"k", "v"}}}};
  EXPECT_EQ(render_text(document, {}).find('\x1b'), std::string::npos);
  EXPECT_NE(render_text(document, {.colour = true}).find("\x1b[1mT\x1b[0m"), std::string::npos);
}

TEST(RenderText, NeverLetsAnEscapeSequenceThrough) {
  const std::string evil = "\x1b]0;owned\x07\n";
  const Document document{Title{evil, evil}, Heading{evil, evil},  Paragraph{evil},
                          Bullets{{evil}},   Facts{{{"k", evil}}}, ReportTable{{{"c"}}, {{evil}}},
                          Verbatim{evil, ""}};
  EXPECT_EQ(render_text(document, {}).find_first_of("\x1b\x07"), std::string::npos);
  EXPECT_EQ(render_markdown(document).find_first_of("\x1b\x07"), std::string::npos);
}

TEST(MarkdownTable, ForPandocHasDashesByWidth) {
  const ReportTable table{{{"a", Align::left}, {"number"}}, {{"a long cell", "1"}}};
  EXPECT_EQ(markdown_table(table), "| a | number |\n|:---|---:|\n| a long cell | 1 |\n");
  EXPECT_EQ(markdown_table(table, ColumnDashes::by_width), "| a | number |\n|:--------------|---------:|\n| a long cell | 1 |\n");
}

TEST(LatexTable, EscapesAndLeavesEmptyColumnsOut) {
  const ReportTable table{{{"a_b", Align::left}, {"95 %"}, {"none"}}, {{"x & y", "[1, 2]", ""}, {"\\input{f}", ""}}};
  EXPECT_EQ(latex_table(table),
            "\\begin{tabular}{lr}\n\\toprule\na\\_b & 95 \\% \\\\\n\\midrule\nx \\& y & {[}1, 2{]} \\\\\n"
            "\\textbackslash{}input\\{f\\} &  \\\\\n\\bottomrule\n\\end{tabular}\n");
}

TEST(CsvOfATable, KeepsSignsOfNumbersAndDisarmsFormulas) {
  const ReportTable table{{{"a", Align::left}, {"change"}}, {{"=1+1", "-1.99 %"}, {"x, y", "+2.0 %"}}};
  EXPECT_EQ(csv_table(table), "a,change\n'=1+1,-1.99 %\n\"x, y\",+2.0 %\n");
}

TEST(Markdown, GivesPartsOfASectionSmallerHeadings) {
  EXPECT_EQ(render_markdown({Heading{"Results", ""}, Heading{"Overall", "", 3}}), "## Results\n\n### Overall\n");
}

TEST(Shortest, ReadsBackTheSame) {
  for (const double value : {0.1, 1.0 / 3, 1e-9, 123456789.125, 2.2250738585072014e-308})
    EXPECT_EQ(std::stod(shortest(value)), value);
  EXPECT_EQ(shortest(0.1), "0.1");
  EXPECT_EQ(shortest(2.0), "2");
  EXPECT_EQ(shortest(-0.0), "0");
  EXPECT_EQ(shortest(std::nullopt), "");
  EXPECT_EQ(shortest(std::nan("")), "");
  EXPECT_EQ(shortest(std::numeric_limits<double>::infinity()), "");
}

TEST(Significant, KeepsThreeDigitsWithoutExponent) {
  EXPECT_EQ(significant(2.675), "2.67");  // the double is below the tie
  EXPECT_EQ(significant(0.001234), "0.00123");
  EXPECT_EQ(significant(9.996), "10.0");
  EXPECT_EQ(significant(12345.6), "12346");
  EXPECT_EQ(significant(0.0), "0");
  EXPECT_EQ(significant(std::nullopt), "–");
}

TEST(Decimal, HasNoNegativeZero) {
  EXPECT_EQ(decimal(-0.001, 2), "0.00");
  EXPECT_EQ(decimal(-0.01, 2), "-0.01");
}

TEST(DurationText, PicksTheUnit) {
  EXPECT_EQ(duration_text(2.684), "2.68 s");
  EXPECT_EQ(duration_text(0.1824), "182 ms");
  EXPECT_EQ(duration_text(0.9996), "1.00 s");
  EXPECT_EQ(duration_text(3.41e-5), "34.1 µs");
  EXPECT_EQ(duration_text(8.16e-8), "81.6 ns");
  EXPECT_EQ(duration_text(std::nullopt), "–");
}

TEST(BytesText, UsesDecimalUnits) {
  EXPECT_EQ(bytes_text(98.1e6), "98.1 MB");
  EXPECT_EQ(bytes_text(999.6e6), "1.00 GB");
  EXPECT_EQ(bytes_text(512), "512 B");
}

TEST(CsvTable, WritesEmptyFieldsForWhatIsMissing) {
  CsvTable csv({"name", "x", "n"});
  csv.add("a").add(std::optional<double>(0.1)).add_integer(3).end_row();
  csv.add("b,c").add(std::optional<double>()).add_integer(std::nullopt).end_row();
  csv.add("d").add(std::nan("")).add_missing().end_row();
  EXPECT_EQ(csv.text(), "name,x,n\na,0.1,3\n\"b,c\",,\nd,,\n");
}

TEST(CsvTableDeathTest, RefusesARowOfAnotherLength) {
  CsvTable csv({"a", "b"});
  csv.add("x");
  EXPECT_EXIT(csv.end_row(), testing::ExitedWithCode(70), "");
}

}  // namespace
}  // namespace ifm
