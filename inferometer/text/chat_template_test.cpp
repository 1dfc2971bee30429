#include "inferometer/text/chat_template.h"

#include <gtest/gtest.h>

#include "inferometer/base/error.h"

namespace ifm {
namespace {

std::string render(const std::string& source) {
  const ChatMessage message{"user", "Hi"};
  return ChatTemplate(source).render({&message, 1}, {});
}

void expect_error(const std::string& source, ErrorKind kind, const std::string& named) {
  try {
    (void)render(source);
    FAIL() << "accepted: " << source;
  } catch (const Error& error) {
    EXPECT_EQ(to_string(error.kind()), std::string(to_string(kind))) << error.message();
    EXPECT_NE(error.message().find(named), std::string::npos) << error.message();
    EXPECT_EQ(error.message().find('\n'), std::string::npos) << error.message();
  }
}

TEST(ChatTemplate, AConstructThatWeLackIsNamedWithItsLine) {
  expect_error("a\nb {% include 'x' %}", ErrorKind::unsupported, "line 2: the statement \"include\"");
  expect_error("{% raw %}{{ x }}{% endraw %}", ErrorKind::unsupported, "\"raw\"");
  expect_error("\n\n{{ x | wordwrap }}", ErrorKind::unsupported, "line 3: the filter \"wordwrap\"");
  expect_error("{{ 1 is sameas 1 }}", ErrorKind::unsupported, "the test \"sameas\"");
  expect_error("{{ 'a'.zfill(3) }}", ErrorKind::unsupported, "\"zfill\"");
  expect_error("{{ 2 ** 3 }}", ErrorKind::unsupported, "\"**\"");
  expect_error("{{ (1, 2) }}", ErrorKind::unsupported, "tuple");
  expect_error("{{ cycler('a') }}", ErrorKind::unsupported, "\"cycler\"");
  expect_error("{% for x in [] recursive %}{% endfor %}", ErrorKind::unsupported, "recursive");
  expect_error("{{ strftime_now('%Z') }}", ErrorKind::unsupported, "%Z");
  expect_error("{{ [1] }}", ErrorKind::unsupported, "list");
}

TEST(ChatTemplate, SyntaxErrorsSayLineAndWhatWasExpected) {
  expect_error("\n{{ 1 + }}", ErrorKind::invalid_data, "line 2: syntax (expected an expression");
  expect_error("{% if true %}", ErrorKind::invalid_data, "expected \"endif\"");
  expect_error("{{ 'x", ErrorKind::invalid_data, "a string is not closed");
  expect_error("{# x", ErrorKind::invalid_data, "a comment is not closed");
  expect_error("{{ x", ErrorKind::invalid_data, "a tag is not closed");
}

TEST(ChatTemplate, Fault32WhatLoopsOrGrowsWithoutEndIsStopped) {
  expect_error("{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}", ErrorKind::resource,
               "does not end");
  expect_error("{% set ns = namespace(s='aaaaaaaa') %}{% for i in range(99) %}{% set ns.s = ns.s + ns.s %}{% endfor %}",
               ErrorKind::resource, "too long");
  expect_error("{% set ns = namespace(l=[1]) %}{% for i in range(99) %}{% set ns.l = ns.l + ns.l %}{% endfor %}",
               ErrorKind::resource, "");
  expect_error("{% set ns = namespace(l=[1]) %}{% for i in range(999) %}{% set ns.l = [ns.l, ns.l] %}{% endfor %}",
               ErrorKind::resource, "nested deeper");
  expect_error(
      "{% set ns = namespace(l=[1]) %}{% for i in range(60) %}{% set ns.l = [ns.l, ns.l] %}{% endfor %}{{ ns.l | tojson }}",
      ErrorKind::resource, "too long");
  expect_error(
      "{% set n = namespace(l=[1], m=[1]) %}{% for i in range(60) %}{% set n.l = [n.l, n.l] %}{% set n.m = [n.m, n.m] %}{% "
      "endfor %}"
      "{{ n.l == n.m }}",
      ErrorKind::resource, "too large to compare");
  expect_error("{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}", ErrorKind::resource, "nested deeper");
  expect_error("{{ 'x' * 999999999999 }}", ErrorKind::resource, "too long");
  expect_error("{{ " + std::string(5000, '(') + "1" + std::string(5000, ')') + " }}", ErrorKind::invalid_data, "nested deeper");
  expect_error("{{ " + std::string(5000, '-') + "1 }}", ErrorKind::invalid_data, "nested deeper");
  std::string blocks;
  for (int i = 0; i < 5000; ++i) blocks += "{% if true %}";
  expect_error(blocks, ErrorKind::invalid_data, "nested deeper");
  std::string elifs = "{% if false %}";
  for (int i = 0; i < 5000; ++i) elifs += "{% elif false %}";
  expect_error(elifs + "{% endif %}", ErrorKind::invalid_data, "");
  expect_error(std::string(1 << 20, 'x'), ErrorKind::resource, "too long");
}

TEST(ChatTemplate, CyclesCannotBeMade) {
  expect_error("{% set ns = namespace(x=1) %}{% set ns.x = ns %}", ErrorKind::unsupported, "namespace");
  expect_error("{% set ns = namespace(x=1) %}{% set ns.x = [ns] %}", ErrorKind::unsupported, "namespace");
  expect_error("{% set ns = namespace(x=1) %}{% set ns.x = range %}", ErrorKind::unsupported, "function");
}

TEST(ChatTemplate, TheDateIsFixedAndCanBeGiven) {
  ChatTemplateOptions options;
  const ChatTemplate now("{{ strftime_now('%d %B %Y') }} {{ date_string }}");
  EXPECT_EQ(now.render({}, options), "26 July 2024 26 Jul 2024");
  options.date = "01 Feb 2025";
  EXPECT_EQ(now.render({}, options), "01 February 2025 01 Feb 2025");
  options.date = "yesterday";
  EXPECT_THROW((void)now.render({}, options), Error);
}

TEST(ChatTemplate, TheTemplateSaysWhyItRefuses) {
  expect_error("{{ raise_exception('roles must alternate') }}", ErrorKind::invalid_data, "roles must alternate");
}

TEST(ChatTemplate, GenerationMarksOfHuggingFaceAreLeftOut) { EXPECT_EQ(render("a{% generation %}b{% endgeneration %}c"), "abc"); }

}  // namespace
}  // namespace ifm
