#include <array>
#include <utility>

#include "inferometer/base/error.h"
#include "inferometer/format/quote.h"
#include "inferometer/text/tokenizer_parts.h"

namespace ifm {
namespace {

/// Values of `tokenizer.ggml.token_type`.
enum GgufTokenType : int64_t { kNormal = 1, kUnknown = 2, kControl = 3, kUserDefined = 4, kUnused = 5, kByte = 6 };

/// llama.cpp's names of pre-tokenizers, those that stand for exactly one of ours.
constexpr std::array<std::pair<std::string_view, PreTokenizerKind>, 7> kPreTokenizers = {{
    {"llama-bpe", PreTokenizerKind::llama3},
    {"llama3", PreTokenizerKind::llama3},
    {"llama-v3", PreTokenizerKind::llama3},
    {"smollm", PreTokenizerKind::smollm},
    {"gpt-2", PreTokenizerKind::gpt2},
    {"gpt2", PreTokenizerKind::gpt2},
    {"qwen2", PreTokenizerKind::qwen2},
}};

class GgufReader {
 public:
  explicit GgufReader(const GgufFile& file) : file_(file), impl_(std::make_unique<TokenizerParts>()) {
    impl_->source = file.path().string();
  }

  std::unique_ptr<TokenizerParts> read() {
    read_kind();
    read_tokens();
    read_merges();
    impl_->finish();
    read_prefix();
    return std::move(impl_);
  }

 private:
  void read_kind() {
    const std::string& model = text("tokenizer.ggml.model");
    if (model != "gpt2") {
      fail(ErrorKind::unsupported, "{}: tokenizer.ggml.model {} is not supported (expected \"gpt2\")", source(), quote(model));
    }
    const std::string* pre = file_.text("tokenizer.ggml.pre");
    if (pre == nullptr)
      fail(ErrorKind::unsupported, "{}: tokenizer.ggml.pre is missing, so the pre-tokenizer is unknown", source());
    for (const auto& [name, kind] : kPreTokenizers) {
      if (name != *pre) continue;
      impl_->pre_tokenizer = kind;
      impl_->whole_words_first = kind == PreTokenizerKind::llama3;
      // Qwen 2's tokenizer.json normalizes; GGUF has no key for it, and the name "qwen2" stands for the model's own tokenizer.
      impl_->normalize_nfc = kind == PreTokenizerKind::qwen2;
      return;
    }
    fail(ErrorKind::unsupported, "{}: tokenizer.ggml.pre {} is not supported (expected llama-bpe, smollm, gpt-2 or qwen2)",
         source(), quote(*pre));
  }

  void read_tokens() {
    const std::vector<std::string>& tokens = texts("tokenizer.ggml.tokens");
    const std::vector<int64_t>* types = file_.integers("tokenizer.ggml.token_type");
    if (types != nullptr && types->size() != tokens.size()) {
      fail(ErrorKind::invalid_data, "{}: tokenizer.ggml.token_type has the wrong length (expected {}, got {})", source(),
           tokens.size(), types->size());
    }
    std::size_t bytes = 0;
    for (const std::string& token : tokens) bytes += token.size();
    impl_->vocabulary.reserve(tokens.size(), bytes);
    for (std::size_t i = 0; i < tokens.size(); ++i)
      add(static_cast<int64_t>(i), tokens[i], types == nullptr ? kNormal : (*types)[i]);
  }

  void add(int64_t id, const std::string& token, int64_t type) {
    switch (type) {
      case kNormal:
        impl_->add_model_token(id, token);
        return;
      case kUnknown:
      case kControl:
        impl_->add_added_token(id, token, true, false);
        return;
      case kUserDefined:
        impl_->add_added_token(id, token, false, false);
        return;
      case kUnused:
        return;
      default:
        fail(ErrorKind::unsupported, "{}: token {} ({}) has type {}, which byte-level BPE does not use", source(), id,
             quote(token), type);
    }
  }

  void read_merges() {
    const std::vector<std::string>& merges = texts("tokenizer.ggml.merges");
    impl_->merges.reserve(merges.size());
    for (std::size_t i = 0; i < merges.size(); ++i) {
      const std::string_view merge = merges[i];
      const std::size_t space = merge.find(' ', 1);
      if (space == std::string_view::npos || merge.find(' ', space + 1) != std::string_view::npos) {
        fail(ErrorKind::invalid_data, "{}: merge {} is not two tokens and a space (got {})", source(), i, quote(merge));
      }
      impl_->add_merge(merge.substr(0, space), merge.substr(space + 1));
    }
  }

  void read_prefix() {
    // llama.cpp: without the key, a Llama 3 tokenizer adds its BOS and the others do not.
    const bool add_bos = file_.boolean("tokenizer.ggml.add_bos_token").value_or(impl_->pre_tokenizer == PreTokenizerKind::llama3);
    const std::optional<int64_t> bos = file_.integer("tokenizer.ggml.bos_token_id");
    if (bos && (*bos < 0 || *bos >= impl_->vocabulary.size())) {
      fail(ErrorKind::invalid_data, "{}: tokenizer.ggml.bos_token_id is out of range (expected 0 to {}, got {})", source(),
           impl_->vocabulary.size() - 1, *bos);
    }
    if (add_bos && bos) impl_->prefix = {static_cast<TokenId>(*bos)};
  }

  [[nodiscard]] const std::string& source() const { return impl_->source; }

  const std::string& text(const char* key) const {
    const std::string* value = file_.text(key);
    if (value == nullptr) fail(ErrorKind::invalid_data, "{}: {} is missing", source(), key);
    return *value;
  }

  const std::vector<std::string>& texts(const char* key) const {
    const std::vector<std::string>* value = file_.texts(key);
    if (value == nullptr) fail(ErrorKind::invalid_data, "{}: {} is missing", source(), key);
    return *value;
  }

  const GgufFile& file_;
  std::unique_ptr<TokenizerParts> impl_;
};

}  // namespace

std::unique_ptr<TokenizerParts> read_tokenizer_gguf(const GgufFile& file) { return GgufReader(file).read(); }

}  // namespace ifm
