#include "inferometer/figure/svg.h"

#include <string>

#include <gmock/gmock.h>

#include "inferometer/base/error.h"

namespace ifm {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

constexpr const char* kDrawing = R"svg(<?xml version="1.0" encoding="utf-8"  standalone="no"?>
<svg
 viewBox="0 0 1600 800"
 xmlns="http://www.w3.org/2000/svg"
 xmlns:xlink="http://www.w3.org/1999/xlink"
>
<title>Gnuplot</title>
<desc>Produced by GNUPLOT</desc>
<g id="gnuplot_canvas">
	<circle id='gpPt5' r='1'/>
	<use xlink:href='#gpPt5' id='gpPt6'/>
<g fill="none" color="black">
</g>
<g fill="none" color="black">
	<path stroke='rgb(1,2,3)' class="gridline"  d='M1,2'/></g>
<g style="filter:url(#textbox)"><title>$runs1 using 1:2</title><text>a &lt; b</text>
</g>
</g>
</svg>
)svg";

TEST(InlineSvg, IsOneElementWithItsOwnNameAndIds) {
  EXPECT_EQ(inline_svg(kDrawing, "fig1", "Latency <of> runs"),
            R"svg(<svg viewBox="0 0 1600 800" role="img" aria-labelledby="fig1-name">
<title id="fig1-name">Latency &lt;of&gt; runs</title>
<g id="fig1-gnuplot_canvas">
<circle id='fig1-gpPt5' r='1'/>
<use href='#fig1-gpPt5' id='fig1-gpPt6'/>
<g fill="none" color="black">
<path stroke='rgb(1,2,3)'  d='M1,2'/></g>
<g style="filter:url(#fig1-textbox)"><text>a &lt; b</text>
</g>
</g>
</svg>
)svg");
}

TEST(InlineSvg, RefusesWhatIsNoDrawing) {
  for (const char* text : {"", "<svg", "<svg>", "<svg width='3'><g viewBox=\"0 0 1 1\"/></svg>", "gnuplot: no terminal"}) {
    EXPECT_THROW((void)inline_svg(text, "fig1", ""), Error) << text;
  }
}

TEST(WithFontFallbacks, NamesAFontForMachinesWithoutDejaVuAndAWeight) {
  EXPECT_EQ(with_font_fallbacks("<g font-family=\"DejaVu Sans\" x><g font-family=\"DejaVu Sans:Bold\">"),
            "<g font-family=\"DejaVu Sans, Verdana, sans-serif\" x><g font-family=\"DejaVu Sans, Verdana, sans-serif\" "
            "font-weight=\"bold\">");
}

}  // namespace
}  // namespace ifm
