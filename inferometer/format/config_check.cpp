#include "inferometer/format/config_check.h"

#include <algorithm>
#include <cmath>
#include <cstdint>

#include "inferometer/base/error.h"

namespace ifm {
namespace {

constexpr int64_t kMaxContext = int64_t{1} << 27;

void check_range(int64_t value, int64_t most, const char* field, const std::string& subject) {
  if (value < 1 || value > most) fail(ErrorKind::invalid_data, "{}: {} is {} (expected 1 to {})", subject, field, value, most);
}

void check_positive(double value, const char* field, const std::string& subject) {
  if (!std::isfinite(value) || value <= 0) {
    fail(ErrorKind::invalid_data, "{}: {} is {} (expected a finite number above 0)", subject, field, value);
  }
}

void check_token(TokenId id, int64_t vocab, const char* field, const std::string& subject) {
  if (id < 0 || id >= vocab) fail(ErrorKind::invalid_data, "{}: {} is {} (expected 0 to {})", subject, field, id, vocab - 1);
}

void check_rope(const RopeConfig& rope, const std::string& subject) {
  check_positive(rope.theta, "RoPE theta", subject);
  for (const float factor : rope.frequency_factors) check_positive(double{factor}, "a RoPE frequency factor", subject);
  if (!rope.llama3) return;
  check_positive(rope.llama3->factor, "RoPE scaling factor", subject);
  check_positive(rope.llama3->low_freq_factor, "RoPE scaling low_freq_factor", subject);
  check_positive(rope.llama3->high_freq_factor, "RoPE scaling high_freq_factor", subject);
  check_positive(rope.llama3->original_context, "RoPE scaling original context", subject);
  if (rope.llama3->high_freq_factor <= rope.llama3->low_freq_factor) {
    fail(ErrorKind::invalid_data, "{}: RoPE scaling high_freq_factor is {} (expected above low_freq_factor, {})", subject,
         rope.llama3->high_freq_factor, rope.llama3->low_freq_factor);
  }
}

}  // namespace

void check_config(ModelConfig& config, const std::string& subject) {
  check_range(config.hidden, int64_t{1} << 20, "hidden size", subject);
  check_range(config.layers, 1000, "number of layers", subject);
  check_range(config.heads, 1024, "number of attention heads", subject);
  check_range(config.kv_heads, 1024, "number of KV heads", subject);
  check_range(config.head_dim, 4096, "head dimension", subject);
  check_range(config.intermediate, int64_t{1} << 22, "intermediate size", subject);
  check_range(config.vocab, int64_t{1} << 22, "vocabulary size", subject);
  check_range(config.context, kMaxContext, "context length", subject);
  if (config.heads % config.kv_heads != 0) {
    fail(ErrorKind::invalid_data, "{}: {} KV heads do not divide {} attention heads", subject, config.kv_heads, config.heads);
  }
  if (config.head_dim % 2 != 0)
    fail(ErrorKind::invalid_data, "{}: head dimension is {} (expected even)", subject, config.head_dim);
  check_positive(double{config.norm_eps}, "RMS norm epsilon", subject);
  check_rope(config.rope, subject);
  if (config.bos) check_token(*config.bos, config.vocab, "BOS token", subject);
  for (const TokenId id : config.eos) check_token(id, config.vocab, "EOS token", subject);
  std::sort(config.eos.begin(), config.eos.end());
  config.eos.erase(std::unique(config.eos.begin(), config.eos.end()), config.eos.end());
}

}  // namespace ifm
