#include <utility>

#include <simdjson.h>
#include <unistd.h>

#include "inferometer/base/error.h"
#include "inferometer/base/mapped_file.h"
#include "inferometer/format/quote.h"
#include "inferometer/text/tokenizer_parts.h"

namespace ifm {
namespace {

using simdjson::dom::array;
using simdjson::dom::element;
using simdjson::dom::object;

/// What a tokenizer.json may weigh: Llama 3's has 9 to 17 MB.
constexpr std::size_t kMaxFileBytes = std::size_t{256} << 20;

class JsonReader {
 public:
  explicit JsonReader(const std::filesystem::path& path) : file_(path), parts_(std::make_unique<TokenizerParts>()) {
    parts_->source = path.string();
  }

  std::unique_ptr<TokenizerParts> read() {
    parse();
    read_normalizer();
    read_pre_tokenizer();
    read_decoder();
    const object model = object_of(root_["model"], "model");
    read_model_options(model);
    read_vocabulary(object_of(model["vocab"], "model.vocab"));
    read_merges(array_of(model["merges"], "model.merges"));
    read_added_tokens();
    parts_->finish();
    check_bytes(model);
    read_post_processor(root_["post_processor"], "post_processor");
    // "truncation" and "padding" are settings of a call, not part of what the tokens of a text are.
    return std::move(parts_);
  }

 private:
  using Field = simdjson::simdjson_result<element>;

  void parse() {
    const auto bytes = file_.bytes();
    if (bytes.size() > kMaxFileBytes) {
      fail(ErrorKind::invalid_data, "{}: too large for a tokenizer (expected at most {} bytes, got {})", source(), kMaxFileBytes,
           bytes.size());
    }
    element root;
    const auto error = parse(bytes).get(root);
    if (error) fail(ErrorKind::invalid_data, "{}: not valid JSON ({})", source(), simdjson::error_message(error));
    if (root.get(root_)) fail(ErrorKind::invalid_data, "{}: not a JSON object", source());
  }

  /// simdjson reads a little past the end: where the mapping's last page has room for that, the text need not be copied.
  Field parse(std::span<const std::byte> bytes) {
    const auto page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
    const auto* text = reinterpret_cast<const char*>(bytes.data());
    const std::size_t room = (page - bytes.size() % page) % page;
    if (room >= simdjson::SIMDJSON_PADDING) return parser_.parse(text, bytes.size(), false);
    text_ = simdjson::padded_string(text, bytes.size());
    return parser_.parse(text_);
  }

  void read_normalizer() {
    const Field field = root_["normalizer"];
    if (absent(field)) return;
    const object normalizer = object_of(field, "normalizer");
    const std::string_view type = type_of(normalizer, "normalizer");
    if (type == "NFC") {
      parts_->normalize_nfc = true;
    } else if (type != "Sequence" || array_of(normalizer["normalizers"], "normalizer.normalizers").size() != 0) {
      unsupported("normalizer", type, "none or NFC");
    }
  }

  void read_pre_tokenizer() {
    if (absent(root_["pre_tokenizer"])) unsupported("pre_tokenizer", "none", "byte-level");
    const object pre = object_of(root_["pre_tokenizer"], "pre_tokenizer");
    const std::string_view type = type_of(pre, "pre_tokenizer");
    if (type == "ByteLevel") {
      check_byte_level(pre, true);
      parts_->pre_tokenizer = PreTokenizerKind::gpt2;
      return;
    }
    if (type != "Sequence") unsupported("pre_tokenizer", type, "ByteLevel or a Sequence that ends with it");
    const array steps = array_of(pre["pretokenizers"], "pre_tokenizer.pretokenizers");
    if (steps.size() != 2) unsupported("pre_tokenizer", fmt::format("Sequence of {}", steps.size()), "two steps");
    const object first = object_of(steps.at(0), "pre_tokenizer.pretokenizers[0]");
    const object second = object_of(steps.at(1), "pre_tokenizer.pretokenizers[1]");
    const std::string_view second_type = type_of(second, "pre_tokenizer.pretokenizers[1]");
    if (second_type != "ByteLevel") unsupported("pre_tokenizer.pretokenizers[1]", second_type, "ByteLevel");
    const std::string_view first_type = type_of(first, "pre_tokenizer.pretokenizers[0]");
    if (first_type == "Digits") {
      if (!flag(first, "individual_digits", false)) unsupported("Digits", "individual_digits false", "true");
      check_byte_level(second, true);
      parts_->pre_tokenizer = PreTokenizerKind::smollm;
    } else if (first_type == "Split") {
      parts_->pre_tokenizer = split_kind(first);
      check_byte_level(second, false);
    } else {
      unsupported("pre_tokenizer.pretokenizers[0]", first_type, "Digits or Split");
    }
  }

  void check_byte_level(const object& step, bool use_regex) const {
    if (flag(step, "add_prefix_space", true)) unsupported("ByteLevel", "add_prefix_space true", "false");
    if (flag(step, "use_regex", true) != use_regex) {
      unsupported("ByteLevel", use_regex ? "use_regex false" : "use_regex true", use_regex ? "true" : "false");
    }
  }

  PreTokenizerKind split_kind(const object& split) const {
    const std::string_view behavior = text_of(split["behavior"], "Split.behavior");
    const bool invert = flag(split, "invert", false);
    // The patterns match all of a text, so keeping what lies between matches and keeping the matches are the same.
    const bool known = (behavior == "Isolated" && !invert) || (behavior == "Removed" && invert);
    if (!known) unsupported("Split", fmt::format("behavior {}, invert {}", behavior, invert), "Isolated, false");
    const object pattern = object_of(split["pattern"], "Split.pattern");
    std::string_view regex;
    if (pattern["Regex"].get(regex)) unsupported("Split", "a pattern that is no Regex", "Regex");
    if (regex == kLlama3Pattern) return PreTokenizerKind::llama3;
    if (regex == kQwen2Pattern) return PreTokenizerKind::qwen2;
    fail(ErrorKind::unsupported, "{}: pre-tokenizer pattern {} is not one that we know (expected Llama 3's or Qwen 2's)",
         source(), quote(regex));
  }

  void read_decoder() const {
    if (absent(root_["decoder"])) unsupported("decoder", "none", "ByteLevel");
    const std::string_view type = type_of(object_of(root_["decoder"], "decoder"), "decoder");
    if (type != "ByteLevel") unsupported("decoder", type, "ByteLevel");
  }

  void read_model_options(const object& model) {
    std::string_view type;
    if (!model["type"].get(type) && type != "BPE") unsupported("model", type, "BPE");
    double dropout = 0;
    if (!model["dropout"].get(dropout) && dropout != 0) unsupported("model", "dropout", "none");
    for (const char* key : {"continuing_subword_prefix", "end_of_word_suffix"}) {
      std::string_view affix;
      if (!model[key].get(affix) && !affix.empty()) unsupported("model", key, "none");
    }
    parts_->whole_words_first = flag(model, "ignore_merges", false);
  }

  void read_vocabulary(const object& vocab) {
    std::size_t bytes = 0;
    for (const auto field : vocab) bytes += field.key.size();
    parts_->vocabulary.reserve(vocab.size(), bytes);
    for (const auto field : vocab) parts_->add_model_token(id_of(field.value, field.key), field.key);
  }

  void read_merges(const array& merges) {
    parts_->merges.reserve(merges.size());
    int32_t rank = 0;
    for (const element merge : merges) {
      const auto [left, right] = pair_of(merge, rank);
      parts_->add_merge(left, right);
      ++rank;
    }
  }

  std::pair<std::string_view, std::string_view> pair_of(const element& merge, int32_t rank) const {
    std::string_view joined;
    if (!merge.get(joined)) {
      const std::size_t space = joined.find(' ');
      if (space != std::string_view::npos && joined.find(' ', space + 1) == std::string_view::npos) {
        return {joined.substr(0, space), joined.substr(space + 1)};
      }
    }
    array two;
    std::string_view left;
    std::string_view right;
    if (!merge.get(two) && two.size() == 2 && !two.at(0).get(left) && !two.at(1).get(right)) return {left, right};
    fail(ErrorKind::invalid_data, "{}: merge {} is neither \"a b\" nor [\"a\", \"b\"]", source(), rank);
  }

  void read_added_tokens() {
    const Field field = root_["added_tokens"];
    if (absent(field)) return;
    for (const element item : array_of(field, "added_tokens")) {
      object token;
      if (item.get(token)) fail(ErrorKind::invalid_data, "{}: added_tokens holds something that is no object", source());
      const std::string_view content = text_of(token["content"], "added_tokens.content");
      for (const char* key : {"single_word", "lstrip", "rstrip"}) {
        if (flag(token, key, false))
          unsupported(fmt::format("added token {}", quote(content)), fmt::format("{} true", key), "false");
      }
      const bool special = flag(token, "special", false);
      element id;
      if (token["id"].get(id)) fail(ErrorKind::invalid_data, "{}: added token {} has no id", source(), quote(content));
      parts_->add_added_token(id_of(id, content), content, special, flag(token, "normalized", !special));
    }
  }

  /// What the reference does with a byte that has no token matters only when such a byte exists.
  void check_bytes(const object& model) const {
    if (parts_->has_all_bytes()) return;
    if (!absent(model["unk_token"])) unsupported("model", "unk_token with a vocabulary that lacks bytes", "none");
    if (flag(model, "byte_fallback", false)) unsupported("model", "byte_fallback", "false");
  }

  void read_post_processor(const Field& field, const std::string& name) {
    if (absent(field)) return;
    const object processor = object_of(field, name.c_str());
    const std::string_view type = type_of(processor, name.c_str());
    if (type == "ByteLevel") return;  // moves offsets only
    if (type == "TemplateProcessing") {
      read_template(array_of(processor["single"], "post_processor.single"));
    } else if (type == "Sequence" && name == "post_processor") {
      for (const element step : array_of(processor["processors"], "post_processor.processors")) {
        read_post_processor(Field(element(step)), "post_processor.processors[]");
      }
    } else {
      unsupported(name, type, "ByteLevel or TemplateProcessing");
    }
  }

  void read_template(const array& pieces) {
    bool text_seen = false;
    for (const element piece : pieces) {
      object special;
      if (!piece["Sequence"].error()) {
        text_seen = true;
        continue;
      }
      if (piece["SpecialToken"].get(special))
        fail(ErrorKind::invalid_data, "{}: post_processor.single has an unknown piece", source());
      const std::string_view name = text_of(special["id"], "post_processor.single.SpecialToken.id");
      if (text_seen) unsupported("post_processor", fmt::format("{} after the text", quote(name)), "special tokens in front only");
      const TokenId id = parts_->vocabulary.find(name);
      if (id < 0) fail(ErrorKind::invalid_data, "{}: post_processor names {}, which is no token", source(), quote(name));
      parts_->prefix.push_back(id);
    }
  }

  [[nodiscard]] const std::string& source() const { return parts_->source; }

  [[noreturn]] void unsupported(std::string_view what, std::string_view got, std::string_view expected) const {
    fail(ErrorKind::unsupported, "{}: {} of this tokenizer is not supported (expected {}, got {})", source(), what, expected,
         got);
  }

  [[nodiscard]] static bool absent(const Field& field) {
    return field.error() == simdjson::NO_SUCH_FIELD || (!field.error() && field.is_null());
  }

  [[nodiscard]] object object_of(const Field& field, const char* name) const {
    object value;
    if (field.get(value)) fail(ErrorKind::invalid_data, "{}: {} is missing or no object", source(), name);
    return value;
  }

  [[nodiscard]] array array_of(const Field& field, const char* name) const {
    array value;
    if (field.get(value)) fail(ErrorKind::invalid_data, "{}: {} is missing or no array", source(), name);
    return value;
  }

  [[nodiscard]] std::string_view text_of(const Field& field, const char* name) const {
    std::string_view value;
    if (field.get(value)) fail(ErrorKind::invalid_data, "{}: {} is missing or no string", source(), name);
    return value;
  }

  [[nodiscard]] std::string_view type_of(const object& value, const char* name) const {
    std::string_view type;
    if (value["type"].get(type)) fail(ErrorKind::invalid_data, "{}: {} has no type", source(), name);
    return type;
  }

  [[nodiscard]] bool flag(const object& value, const char* key, bool absent_value) const {
    const Field field = value[key];
    if (absent(field)) return absent_value;
    bool result = false;
    if (field.get(result)) fail(ErrorKind::invalid_data, "{}: {} is neither true nor false", source(), key);
    return result;
  }

  [[nodiscard]] int64_t id_of(const element& value, std::string_view token) const {
    int64_t id = 0;
    if (value.get(id)) fail(ErrorKind::invalid_data, "{}: the id of token {} is no integer", source(), quote(token));
    return id;
  }

  MappedFile file_;
  std::unique_ptr<TokenizerParts> parts_;
  simdjson::padded_string text_;
  simdjson::dom::parser parser_;
  object root_;
};

}  // namespace

std::unique_ptr<TokenizerParts> read_tokenizer_json(const std::filesystem::path& path) { return JsonReader(path).read(); }

}  // namespace ifm
