#include "inferometer/hub/hub_name.h"

#include <string>

#include <gtest/gtest.h>

namespace ifm {
namespace {

TEST(HubName, AllFormsAreRead) {
  const auto plain = parse_hub_name("hf:mlx-community/Llama-3.2-1B-Instruct-4bit");
  ASSERT_TRUE(plain);
  EXPECT_EQ(plain->owner, "mlx-community");
  EXPECT_EQ(plain->name, "Llama-3.2-1B-Instruct-4bit");
  EXPECT_EQ(plain->revision, "main");
  EXPECT_EQ(plain->quantization, "");
  EXPECT_EQ(plain->file, "");
  EXPECT_EQ(parse_hub_name("o/n")->repository(), "o/n");
  EXPECT_EQ(parse_hub_name("hf:o/n@v1.0")->revision, "v1.0");
  EXPECT_EQ(parse_hub_name("hf:o/n:Q4_K_M")->quantization, "Q4_K_M");
  const auto both = parse_hub_name("hf:o/n@abc:Q8_0");
  ASSERT_TRUE(both);
  EXPECT_EQ(both->name, "n");
  EXPECT_EQ(both->revision, "abc");
  EXPECT_EQ(both->quantization, "Q8_0");
  const auto file = parse_hub_name("hf:o/n@abc/BF16/n-BF16.gguf");
  ASSERT_TRUE(file);
  EXPECT_EQ(file->name, "n");
  EXPECT_EQ(file->revision, "abc");
  EXPECT_EQ(file->file, "BF16/n-BF16.gguf");
}

TEST(HubName, TextGivesBackWhatWasRead) {
  for (const char* text : {"hf:o/n", "hf:o/n@v1", "hf:o/n:Q4_0", "hf:o/n@v1:Q4_0", "hf:o/n@v1/a/b.gguf"})
    EXPECT_EQ(parse_hub_name(text)->text(), text);
}

TEST(HubName, WhatCouldEscapeAFolderIsNone) {
  for (const char* bad :
       {"",       "hf:",      "noslash", "hf:noslash",    "/a",          "a/",           "../..",     "hf:../x", "a/..",
        "a/b..c", ".a/b",     "a/.b",    "-a/b",          "a b/c",       "a/b\n",        "a/b\\c",    "a/b@",    "a/b@../x",
        "a/b:",   "a/b:../x", "a/b/c",   "a/b/../c.gguf", "a/b//c.gguf", "a/b/\\c.gguf", "a/b/c.bin", "a--b/c",  "~/x/y"})
    EXPECT_FALSE(parse_hub_name(bad)) << bad;
  EXPECT_FALSE(parse_hub_name("a/" + std::string(300, 'b')));
}

TEST(HubName, FileNamesOfServersStayInTheFolder) {
  for (const char* good : {"config.json", "a/b.gguf", "with space.gguf", "..a", "a..b", "\xc3\xa9.gguf"})
    EXPECT_TRUE(is_safe_file_name(good)) << good;
  for (const char* bad : {"", "/etc/passwd", "..", "../a", "a/../b", "a/..", "a//b", "a/", "./a", "a\\b", "a\nb", "a\x7f"})
    EXPECT_FALSE(is_safe_file_name(bad)) << bad;
  EXPECT_FALSE(is_safe_file_name(std::string_view("a\0b", 3)));
  EXPECT_FALSE(is_safe_file_name(std::string(256, 'a')));
}

}  // namespace
}  // namespace ifm
