#include "inferometer/record/yaml_tree.h"

#include <algorithm>
#include <sstream>
#include <utility>

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

#include "inferometer/base/error.h"
#include "inferometer/record/utf8_check.h"

namespace ifm {
namespace {

/// Builds the tree from yaml-cpp's events, on its own stack, so that limits hold before anything is built.
class TreeBuilder final : public YAML::EventHandler {
 public:
  explicit TreeBuilder(std::string file_name) : file_name_(std::move(file_name)) {}
  [[nodiscard]] YamlNode take() { return std::move(root_); }

  void OnDocumentStart(const YAML::Mark& /*mark*/) override {}
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    refuse_anchor(mark, anchor);
    YamlNode node;
    node.line = mark.line + 1;
    add(std::move(node));
  }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t /*anchor*/) override { refuse_anchor(mark, 1); }
  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor, const std::string& value) override {
    refuse_anchor(mark, anchor);
    refuse_tag(mark, tag);
    YamlNode node;
    node.kind = YamlNode::Kind::scalar;
    node.line = mark.line + 1;
    node.text = value;
    node.quoted = tag == "!";
    add(std::move(node));
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value /*style*/) override {
    open(mark, tag, anchor, YamlNode::Kind::list);
  }
  void OnSequenceEnd() override { close(); }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value /*style*/) override {
    open(mark, tag, anchor, YamlNode::Kind::map);
  }
  void OnMapEnd() override { close(); }

 private:
  void refuse_anchor(const YAML::Mark& mark, YAML::anchor_t anchor) const {
    if (anchor == 0) return;
    fail(ErrorKind::usage, "{}:{}: anchors and aliases are not read (expected the value written out)", file_name_, mark.line + 1);
  }
  void refuse_tag(const YAML::Mark& mark, const std::string& tag) const {
    if (tag.empty() || tag == "?" || tag == "!") return;
    fail(ErrorKind::usage, "{}:{}: tags are not read (expected a plain value, got the tag {})", file_name_, mark.line + 1,
         shown(tag));
  }
  void open(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor, YamlNode::Kind kind) {
    refuse_anchor(mark, anchor);
    refuse_tag(mark, tag);
    if (static_cast<int>(stack_.size()) >= kMaxYamlDepth) {
      fail(ErrorKind::usage, "{}:{}: nested too deep (expected at most {} levels)", file_name_, mark.line + 1, kMaxYamlDepth);
    }
    YamlNode node;
    node.kind = kind;
    node.line = mark.line + 1;
    stack_.push_back({std::move(node), false});
  }
  void close() {
    YamlNode node = std::move(stack_.back().node);
    stack_.pop_back();
    add(std::move(node));
  }
  void add(YamlNode node) {
    if (stack_.empty()) {
      root_ = std::move(node);
      return;
    }
    Frame& frame = stack_.back();
    if (frame.node.kind == YamlNode::Kind::map && !frame.has_key) {
      add_key(frame.node, node);
      frame.has_key = true;
      return;
    }
    frame.has_key = false;
    frame.node.items.push_back(std::move(node));
  }
  void add_key(YamlNode& map, const YamlNode& key) const {
    if (key.kind != YamlNode::Kind::scalar) {
      fail(ErrorKind::usage, "{}:{}: a key must be text (expected key: value)", file_name_, key.line);
    }
    const auto there = std::find(map.keys.begin(), map.keys.end(), key.text);
    if (there != map.keys.end()) {
      fail(ErrorKind::usage, "{}:{}: {}: the key stands here twice (expected once, got it on line {} before)", file_name_,
           key.line, shown(key.text), map.key_lines[static_cast<std::size_t>(there - map.keys.begin())]);
    }
    map.keys.push_back(key.text);
    map.key_lines.push_back(key.line);
  }

  struct Frame {
    YamlNode node;
    bool has_key = false;
  };
  std::string file_name_;
  std::vector<Frame> stack_;
  YamlNode root_;
};

void check_text(std::string_view yaml, const std::string& file_name) {
  if (yaml.size() > static_cast<std::size_t>(kMaxYamlBytes)) {
    fail(ErrorKind::usage, "{}: too large for a plan (expected at most {} bytes, got {})", file_name, kMaxYamlBytes, yaml.size());
  }
  if (const auto bad = first_invalid_utf8(yaml)) {
    fail(ErrorKind::usage, "{}:{}: not UTF-8 text (byte {} of the file)", file_name,
         1 + std::count(yaml.begin(), yaml.begin() + static_cast<std::ptrdiff_t>(*bad), '\n'), *bad);
  }
  if (const auto nul = yaml.find('\0'); nul != std::string_view::npos) {
    fail(ErrorKind::usage, "{}:{}: a NUL byte (byte {} of the file)", file_name,
         1 + std::count(yaml.begin(), yaml.begin() + static_cast<std::ptrdiff_t>(nul), '\n'), nul);
  }
}

}  // namespace

const YamlNode* YamlNode::find(std::string_view key) const {
  for (std::size_t i = 0; i < keys.size(); ++i) {
    if (keys[i] == key) return &items[i];
  }
  return nullptr;
}

YamlNode parse_yaml_tree(std::string_view yaml, const std::string& file_name) {
  check_text(yaml, file_name);
  std::istringstream stream{std::string(yaml)};
  TreeBuilder builder(file_name);
  try {
    YAML::Parser parser(stream);
    if (!parser.HandleNextDocument(builder)) fail(ErrorKind::usage, "{}: the file is empty (expected a plan)", file_name);
    YamlNode root = builder.take();
    TreeBuilder rest(file_name);
    if (parser.HandleNextDocument(rest)) {
      fail(ErrorKind::usage, "{}:{}: a second document (expected one plan in a file)", file_name, rest.take().line);
    }
    return root;
  } catch (const YAML::Exception& error) {
    fail(ErrorKind::usage, "{}:{}: not YAML: {}", file_name, error.mark.line + 1, error.msg);
  }
}

}  // namespace ifm
