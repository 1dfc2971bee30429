#include "inferometer/text/tokenizer.h"

#include "inferometer/base/error.h"
#include "inferometer/text/tokenizer_parts.h"

namespace ifm {
namespace {

constexpr std::size_t kMaxTextBytes = std::size_t{64} << 20;

}  // namespace

struct Tokenizer::Impl : TokenizerParts {
  explicit Impl(TokenizerParts&& parts) : TokenizerParts(std::move(parts)) {}
};

Tokenizer::Tokenizer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Tokenizer::Tokenizer(Tokenizer&&) noexcept = default;
Tokenizer& Tokenizer::operator=(Tokenizer&&) noexcept = default;
Tokenizer::~Tokenizer() = default;

Tokenizer Tokenizer::from_file(const std::filesystem::path& tokenizer_json) {
  return Tokenizer(std::make_unique<Impl>(std::move(*read_tokenizer_json(tokenizer_json))));
}

Tokenizer Tokenizer::from_gguf(const GgufFile& file) {
  return Tokenizer(std::make_unique<Impl>(std::move(*read_tokenizer_gguf(file))));
}

std::vector<TokenId> Tokenizer::encode(std::string_view text, SpecialText special) const {
  if (text.size() > kMaxTextBytes) {
    fail(ErrorKind::resource, "text: too long to tokenize (expected at most {} bytes, got {})", kMaxTextBytes, text.size());
  }
  std::vector<TokenId> out;
  BpeMerges::Scratch scratch;
  for (std::size_t begin = 0; begin < text.size();) {
    const AddedTokens::Match match = impl_->added.find(text, begin, special);
    const std::size_t end = match.size > 0 ? match.begin : text.size();
    impl_->encode_normalized(text.substr(begin, end - begin), special, scratch, out);
    if (match.size > 0) out.push_back(match.id);
    begin = end + match.size;
  }
  return out;
}

std::span<const TokenId> Tokenizer::prefix() const { return impl_->prefix; }

std::string Tokenizer::decode(std::span<const TokenId> ids) const {
  std::string out;
  for (const TokenId id : ids) out.append(token_bytes(id));
  return out;
}

std::string_view Tokenizer::token_bytes(TokenId id) const {
  if (!impl_->vocabulary.has(id)) return {};
  const auto i = static_cast<std::size_t>(id);
  const uint32_t begin = i == 0 ? 0 : impl_->byte_ends[i - 1];
  return std::string_view(impl_->bytes).substr(begin, impl_->byte_ends[i] - begin);
}

bool Tokenizer::is_special(TokenId id) const {
  return impl_->vocabulary.has(id) && (impl_->flags[static_cast<std::size_t>(id)] & TokenizerParts::kSpecial) != 0;
}

std::optional<TokenId> Tokenizer::find(std::string_view token) const {
  const TokenId id = impl_->vocabulary.find(token);
  return id >= 0 ? std::optional<TokenId>(id) : std::nullopt;
}

int Tokenizer::vocab_size() const { return impl_->vocabulary.size(); }

std::string_view Tokenizer::pre_tokenizer() const { return to_string(impl_->pre_tokenizer); }

}  // namespace ifm
