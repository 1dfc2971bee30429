#include "inferometer/render/html.h"

#include <string>

#include <gmock/gmock.h>

namespace ifm {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

constexpr const char* kHostile = "a</script><script>alert(1)</script>\"'&\x1b[31m";

TEST(RenderHtml, MakesASectionOfEachHeadingAndClosesIt) {
  EXPECT_EQ(
      render_html(
          {Title{"T", "note"}, Heading{"By output length", ""}, Paragraph{"p"}, Heading{"End", "said"}, Bullets{{"a", "b"}}}, {}),
      "<header>\n<h1>T</h1>\n<p class=\"note\">note</p>\n</header>\n"
      "<section id=\"by-output-length\" aria-labelledby=\"by-output-length-title\">\n"
      "<h2 id=\"by-output-length-title\">By output length</h2>\n<p>p</p>\n</section>\n"
      "<section id=\"end\" aria-labelledby=\"end-title\">\n<h2 id=\"end-title\">End</h2>\n<p class=\"note\">said</p>\n"
      "<ul>\n<li>a</li>\n<li>b</li>\n</ul>\n</section>\n");
}

TEST(RenderHtml, OfATableKeepsSidesNamesRowsAndLeavesEmptyColumnsOut) {
  const ReportTable table{{{"series", Align::left}, {"n"}, {"none"}}, {{"a", "1", ""}, {"b"}}};
  const std::string html = render_html({Heading{"Overall", ""}, table}, {});
  EXPECT_THAT(html, HasSubstr("aria-label=\"Table: Overall\""));
  EXPECT_THAT(html, HasSubstr("<th scope=\"col\" class=\"left\">series</th><th scope=\"col\">n</th></tr>"));
  EXPECT_THAT(html, HasSubstr("<tr><th scope=\"row\" class=\"left\">a</th><td>1</td></tr>"));
  EXPECT_THAT(html, HasSubstr("<th scope=\"row\" class=\"left\">b</th><td></td></tr>"));
}

TEST(RenderHtml, EscapesTextInEveryBlock) {
  const std::string bad = kHostile;
  const ReportTable table{{{bad}}, {{bad}}};
  const std::string html = render_html({Title{bad, bad}, Heading{bad, bad}, Paragraph{bad}, Bullets{{bad}}, Facts{{{bad, bad}}},
                                        table, Image{"f.png", bad}, Verbatim{bad, ""}},
                                       {{"f.png", {"<svg></svg>", {"x.csv"}}}});
  EXPECT_THAT(html, Not(HasSubstr("<script")));
  EXPECT_THAT(html, Not(HasSubstr("\x1b")));
  EXPECT_THAT(html, HasSubstr("a&lt;/script&gt;&lt;script&gt;alert(1)&lt;/script&gt;&quot;&#39;&amp;\\x1b[31m"));
}

TEST(RenderHtml, ShowsAPictureWithItsDataAndLeavesAMissingOneOut) {
  const Pictures pictures{{"figures/a.png", {"<svg>A</svg>", {"runs.csv", "cells.csv"}}}};
  EXPECT_EQ(render_html({Image{"figures/a.png", "What it shows"}, Image{"figures/b.png", "gone"}}, pictures),
            "<figure>\n<svg>A</svg>\n<figcaption>Data: <a href=\"#data-runs-csv\">runs.csv</a>, "
            "<a href=\"#data-cells-csv\">cells.csv</a></figcaption>\n</figure>\n");
}

TEST(RenderHtml, KeepsLineEndsOfWhatIsShownAsItIs) {
  EXPECT_THAT(render_html({Verbatim{"a: 1\nb: <2>\n", "yaml"}}, {}), HasSubstr("<code>a: 1\nb: &lt;2&gt;\n</code>"));
}

TEST(HeadingId, IsOfLettersDigitsAndHyphens) {
  EXPECT_EQ(heading_id("What makes these numbers unreliable"), "what-makes-these-numbers-unreliable");
  EXPECT_EQ(heading_id(" A \"b\" <c>! "), "a-b-c");
}

}  // namespace
}  // namespace ifm
