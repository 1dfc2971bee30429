#include "inferometer/render/escape.h"

#include <string>

#include <gtest/gtest.h>

namespace ifm {
namespace {

using namespace std::string_literals;

TEST(EscapeTerminal, Fault70LineEndsEscapesAndControlsAreShown) {
  EXPECT_EQ(escape_terminal("a\nb\tc\rd"), "a\\nb\\tc\\rd");
  EXPECT_EQ(escape_terminal("\x1b[31mred\x07"), "\\x1b[31mred\\x07");
  EXPECT_EQ(escape_terminal("nul\0."s), "nul\\x00.");
  EXPECT_EQ(escape_terminal("\x7f"), "\\x7f");
  EXPECT_EQ(escape_terminal("\xc2\x9b"
                            "31m"),
            "\\x9b31m");  // U+009B, the one-character CSI
}

TEST(EscapeTerminal, ShowsBidirectionalOverridesAndSeparators) {
  EXPECT_EQ(escape_terminal("a\xe2\x80\xae"
                            "b"),
            "a\\u202eb");
  EXPECT_EQ(escape_terminal("a\xe2\x80\xa8"
                            "b"),
            "a\\u2028b");
  EXPECT_EQ(escape_terminal("\xe2\x81\xa6"), "\\u2066");
}

TEST(EscapeTerminal, ShowsBytesThatAreNotUtf8) {
  EXPECT_EQ(escape_terminal("\xff"), "\\xff");
  EXPECT_EQ(escape_terminal("\xe2\x82"), "\\xe2\\x82");           // cut
  EXPECT_EQ(escape_terminal("\xc0\xaf"), "\\xc0\\xaf");           // overlong
  EXPECT_EQ(escape_terminal("\xed\xa0\x80"), "\\xed\\xa0\\x80");  // surrogate
}

TEST(EscapeTerminal, KeepsOrdinaryText) {
  const std::string text = "smollm2-135m · 4-bit, µs — 日本 🙂 C:\\x";
  EXPECT_EQ(escape_terminal(text), text);
}

TEST(EscapeCsv, QuotesAsRfc4180) {
  EXPECT_EQ(escape_csv("plain"), "plain");
  EXPECT_EQ(escape_csv("a,b"), "\"a,b\"");
  EXPECT_EQ(escape_csv("say \"hi\""), "\"say \"\"hi\"\"\"");
  EXPECT_EQ(escape_csv(""), "");
  EXPECT_EQ(escape_csv(" padded "), "\" padded \"");
}

TEST(EscapeCsv, Fault70FormulasAreDisarmed) {
  EXPECT_EQ(escape_csv("=cmd|' /C calc'!A0"), "'=cmd|' /C calc'!A0");
  EXPECT_EQ(escape_csv("+1"), "'+1");
  EXPECT_EQ(escape_csv("-1"), "'-1");
  EXPECT_EQ(escape_csv("@SUM(A1)"), "'@SUM(A1)");
  EXPECT_EQ(escape_csv("\t=1"), "'\\t=1");
  EXPECT_EQ(escape_csv("=1,2"), "\"'=1,2\"");
}

TEST(EscapeCsv, KeepsARowOnOneLine) { EXPECT_EQ(escape_csv("a\r\nb"), "a\\r\\nb"); }

TEST(EscapeMarkdown, DisarmsMarksAndHtml) {
  EXPECT_EQ(escape_markdown("a|b"), "a\\|b");
  EXPECT_EQ(escape_markdown("[x](y) *b* _i_ `c`"), "\\[x\\](y) \\*b\\* \\_i\\_ \\`c\\`");
  EXPECT_EQ(escape_markdown("</script>&"), "&lt;/script&gt;&amp;");
}

TEST(EscapeLatex, DisarmsCommands) {
  EXPECT_EQ(escape_latex("50 % of $x_1$ & #2 ~ ^"), "50 \\% of \\$x\\_1\\$ \\& \\#2 \\textasciitilde{} \\textasciicircum{}");
  EXPECT_EQ(escape_latex("\\write18{ls}"), "\\textbackslash{}write18\\{ls\\}");
}

TEST(EscapeHtml, Fault70NoTagAndNoQuoteAreLeft) {
  EXPECT_EQ(escape_html("</script><b a=\"'\">&"), "&lt;/script&gt;&lt;b a=&quot;&#39;&quot;&gt;&amp;");
}

TEST(QuoteGnuplot, DoublesQuotesAndKeepsOneLine) { EXPECT_EQ(quote_gnuplot("it's\n'; exit"), "'it''s\\n''; exit'"); }

TEST(FenceMarkdown, OutlastsBackticksInside) {
  EXPECT_EQ(fence_markdown("a: ```\nb", "yaml"), "````yaml\na: ```\nb\n````\n");
  EXPECT_EQ(fence_markdown("\x1b[0m\n", ""), "```\n\\x1b[0m\n```\n");
}

}  // namespace
}  // namespace ifm
