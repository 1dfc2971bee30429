// Expected values: the Python package jinja2 3.1.6, set up as Hugging Face transformers does
// (tools/goldens/text/make_chat_goldens.py).
#include <fstream>
#include <optional>
#include <sstream>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "inferometer/base/error.h"
#include "inferometer/text/chat_template.h"

namespace ifm {
namespace {

const std::string kFolder = std::string(IFM_SOURCE_DIR) + "/tests/golden/text/";

std::string file_text(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  EXPECT_TRUE(file) << path;
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

const nlohmann::json& golden() {
  static const nlohmann::json json = nlohmann::json::parse(file_text(kFolder + "chat.json"));
  return json;
}

std::vector<ChatMessage> messages_of(const nlohmann::json& list) {
  std::vector<ChatMessage> messages;
  for (const auto& item : list) messages.push_back({item[0], item[1]});
  return messages;
}

/// The rendered text, or null with the error when it failed.
struct Rendered {
  std::optional<std::string> text;
  std::optional<Error> error;
};

Rendered render(const std::string& source, const std::vector<ChatMessage>& messages, const ChatTemplateOptions& options) {
  try {
    return {ChatTemplate(source).render(messages, options), std::nullopt};
  } catch (const Error& error) {
    return {std::nullopt, error};
  }
}

TEST(ChatTemplate, RealTemplatesMatchJinja2OnManyConversations) {
  int compared = 0;
  for (const auto& item : golden()["templates"]) {
    const std::string name = item["template"];
    ChatTemplateOptions options;
    options.add_generation_prompt = item["add_generation_prompt"];
    options.bos_token = golden()["tokens"][name][0];
    options.eos_token = golden()["tokens"][name][1];
    const Rendered got = render(file_text(kFolder + "templates/" + name + ".jinja"), messages_of(item["messages"]), options);
    if (item["expected"].is_null()) {
      ASSERT_TRUE(got.error) << name << " " << item["messages"];
      EXPECT_EQ(got.error->kind(), ErrorKind::invalid_data);
    } else {
      ASSERT_TRUE(got.text) << name << " " << item["messages"] << " " << got.error->message();
      ASSERT_EQ(*got.text, item["expected"].get<std::string>()) << name << " " << item["messages"];
    }
    ++compared;
  }
  EXPECT_GE(compared, 400);
}

TEST(ChatTemplate, EachConstructMatchesJinja2OrIsAnError) {
  ChatTemplateOptions options;
  options.bos_token = "<s>";
  options.eos_token = "</s>";
  const std::vector<ChatMessage> messages = messages_of(golden()["snippet_messages"]);
  std::vector<std::string> unsupported;
  int compared = 0;
  for (const auto& item : golden()["snippets"]) {
    const std::string source = item["source"];
    const Rendered got = render(source, messages, options);
    if (got.error && got.error->kind() == ErrorKind::unsupported && !item["expected"].is_null()) {
      unsupported.push_back(source);
      continue;
    }
    EXPECT_EQ(item["expected"].is_null(), !got.text) << source << "\n" << (got.error ? got.error->message() : *got.text);
    if (got.text && !item["expected"].is_null()) {
      EXPECT_EQ(*got.text, item["expected"].get<std::string>()) << source;
    }
    if (got.error) {
      EXPECT_EQ(got.error->message().find('\n'), std::string::npos) << source;
    }
    ++compared;
  }
  // Python can print a list; we say that we do not.
  EXPECT_EQ(unsupported, std::vector<std::string>{"{{ 'a b c'.split() }}"});
  EXPECT_GE(compared, 800);
}

}  // namespace
}  // namespace ifm
