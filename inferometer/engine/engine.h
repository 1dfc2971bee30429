#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "inferometer/base/stop.h"
#include "inferometer/base/token_id.h"
#include "inferometer/kernel/accuracy.h"

namespace ifm {

/// One message of a prompt; the engine's chat template turns messages into text.
struct PromptMessage {
  std::string role;
  std::string content;
};

/// Whether a prompt goes through the model's chat template.
enum class PromptForm { chat, raw };

/// How ids are drawn: penalties, top-k, top-p, min-p, temperature, in this order. Temperature 0 is greedy.
struct SamplingParams {
  double temperature = 0.0;
  int top_k = 0;  ///< 0 = off
  double top_p = 1.0;
  double min_p = 0.0;
  double repetition_penalty = 1.0;  ///< Keskar et al. 2019; 1 = off
  double presence_penalty = 0.0;
  double frequency_penalty = 0.0;
  uint64_t seed = 0;
};

/// What one measured request asks for.
struct Request {
  PromptForm form = PromptForm::chat;
  std::vector<PromptMessage> messages;  ///< raw: exactly one, its content is the text
  int max_tokens = 128;                 ///< > 0
  SamplingParams sampling;
  bool ignore_eos = false;        ///< an EOS is an ordinary token: never ends the run
  std::vector<std::string> stop;  ///< ends after the token that completes one of these
};

/// Tokens as they arrive; several at once where one pass gave several. `received_ns`: in process right after the (last) id was
/// sampled; for a child, when the parent read it; from a server, when the read of its socket returned, and then without ids
/// (Completion::event_tokens says later how many tokens it held).
struct TokenEvent {
  int64_t received_ns = 0;
  std::span<const TokenId> ids;  ///< valid only during the call
  std::string_view text;         ///< complete UTF-8 that became visible with this event; may be empty
};

/// Receives a run's events, in order, on the thread that called generate(). Must be quick: it stands between two tokens.
class TokenSink {
 public:
  virtual ~TokenSink() = default;
  virtual void on_tokens(const TokenEvent& event) = 0;
};

/// Who counted the tokens.
enum class CountSource { engine, usage, tokenizer, events };
/// Why a generation ended.
enum class FinishReason { stop, length, cancelled };

[[nodiscard]] const char* to_string(CountSource source);
[[nodiscard]] const char* to_string(FinishReason reason);

/// Whether an engine guesses tokens ahead and checks several in one pass. The ids are the same either way.
enum class Speculation {
  off,
  lookup  ///< as the text went on after an earlier occurrence of its last tokens
};
[[nodiscard]] const char* to_string(Speculation speculation);

/// What guesses were worth in one request.
struct Speculated {
  int drafted_tokens = 0;   ///< guessed and evaluated
  int accepted_tokens = 0;  ///< guessed as they were then sampled
  int steps = 0;            ///< passes after the prompt's; (output_tokens - 1) / steps is the tokens per step
};

/// What a server itself says about a request; unknown = nullopt.
struct ServerTimings {
  std::optional<int64_t> prefill_ns;
  std::optional<int64_t> decode_ns;
  std::optional<int> decode_tokens;  ///< that decode_ns was spent on
};

/// The engine's own account of a finished request. Times: the clock the engine was made with, ns; unknown = nullopt.
struct Completion {
  int64_t start_ns = 0;  ///< the request's text was taken over
  int64_t end_ns = 0;    ///< the last token event
  std::optional<int64_t> prefill_begin_ns;
  std::optional<int64_t> prefill_end_ns;
  int prompt_tokens = 0;
  int cached_tokens = 0;  ///< prompt tokens that were not evaluated anew
  int output_tokens = 0;  ///< sampled ids, a final EOS included
  CountSource source = CountSource::engine;
  FinishReason finish = FinishReason::length;
  std::optional<Speculated> speculated;  ///< null when the engine does not speculate
  std::optional<int64_t> connect_ns;     ///< time that a new connection took, inside the request; null without one
  std::optional<ServerTimings> server;
  /// Where events had no ids: the tokens of each, 0 for one that turned out to hold none, and the text's ids where a tokenizer
  /// was at hand.
  std::vector<int> event_tokens;
  std::vector<TokenId> ids;
  std::vector<std::string> flags;  ///< what is not as it should be, as a run's flags
};

/// Bare evaluation, for `bench` and `verify`: no sampling, no text. Where nothing else is said, of the first of sequences().
class Evaluator {
 public:
  virtual ~Evaluator() = default;
  /// Forgets all positions of all sequences.
  void reset() { truncate(0); }
  /// Forgets what lies at position `positions` and after it, in all sequences.
  virtual void truncate(int positions) = 0;
  /// Evaluates ids after the present position, in one go; logits() is then of the last one. @throws Error resource past the
  /// context.
  virtual void prefill(std::span<const TokenId> ids) = 0;
  /// Evaluates a single id, as decode does.
  virtual void step(TokenId id) = 0;
  /// (vocab) f32 of the last evaluated position; valid until the next call.
  [[nodiscard]] virtual std::span<const float> logits() const = 0;
  /// As prefill(), handing out the logits of every position: each(index into ids, (vocab) f32).
  virtual void score(std::span<const TokenId> ids, const std::function<void(int, std::span<const float>)>& each) = 0;
  [[nodiscard]] virtual int position() const = 0;
  [[nodiscard]] virtual int vocab() const = 0;
  /// Sequences that can be evaluated together.
  [[nodiscard]] virtual int sequences() const { return 1; }
  /// As prefill(), of this sequence.
  virtual void prefill_sequence(int sequence, std::span<const TokenId> ids);
  /// Evaluates ids[i] in sequence i, all in one pass; logits() is then of the last one.
  virtual void step_together(std::span<const TokenId> ids);
};

/// What is known of a loaded model; unknown strings are empty, unknown numbers nullopt.
struct ModelInfo {
  std::string name;            ///< as the user wrote it
  std::filesystem::path path;  ///< empty for a remote model
  std::string architecture;
  std::string quantization;
  std::string hash;            ///< "sha256:…" of the weight files' hashes; empty unless asked for (it reads every byte)
  std::string isa;             ///< the kernels' instruction set
  std::string accuracy;        ///< "fast", "exact"
  std::string engine_version;  ///< where it is not Engine::version(): of a server, of a child's engine
  int threads = 0;
  int context = 0;  ///< tokens that this instance holds
  std::optional<int64_t> weight_bytes;
  std::optional<int64_t> parameters;
  std::optional<int64_t> bytes_per_token;              ///< weights read by one decode step at depth 0 (METHOD: MBU)
  std::optional<int64_t> cache_bytes_per_position;     ///< KV bytes of one position over all layers
  std::optional<int64_t> macs_per_token;               ///< layers' multiply-adds of one token, without the head and attention
  std::optional<int64_t> head_macs;                    ///< the head's, once per logits
  std::optional<int64_t> attention_macs_per_position;  ///< 2 * layers * heads * head_dim: per token and cached position
  /// Parts of macs_per_token and attention_macs_per_position that the engine skips for tokens of a prompt whose logits nobody
  /// asks for; nullopt = nothing.
  std::optional<int64_t> logits_only_macs;
  std::optional<int64_t> logits_only_attention_macs_per_position;
};

/// One of several requests, who hears its tokens, and who may end it.
struct Job {
  const Request* request = nullptr;
  TokenSink* sink = nullptr;
  StopToken stop;
};

/// An engine's loaded model. One call at a time; generation and the evaluator share the KV cache.
class Model {
 public:
  virtual ~Model() = default;
  [[nodiscard]] virtual const ModelInfo& info() const = 0;
  /// Ids that generate() would evaluate for this request; empty where the engine does not show them.
  [[nodiscard]] virtual std::vector<TokenId> encode(const Request& request) = 0;
  [[nodiscard]] virtual std::string decode(std::span<const TokenId> ids) = 0;
  /// Runs one request from an empty cache. @throws Error usage, resource, engine, timeout, network; after a stop request it
  /// returns with FinishReason::cancelled.
  virtual Completion generate(const Request& request, TokenSink& sink, StopToken stop) = 0;
  /// Runs requests together where the engine can (EngineOptions::parallel at a time; the next begins where one ends), else one
  /// after the other. A request's ids do not depend on its company. Returns their completions in order; times count from this
  /// call. @throws Error as generate(); then no request goes on.
  [[nodiscard]] virtual std::vector<Completion> generate_many(std::span<const Job> jobs);
  /// Null where the engine has none (HTTP).
  [[nodiscard]] virtual Evaluator* evaluator() { return nullptr; }
  /// Lets the engine's threads sleep until the next request (other engines are measured meanwhile).
  virtual void park() {}
};

/// How the simulated engine behaves: TTFT = load-independent constant + per prompt token; then one gap per token.
struct SimulatedTiming {
  int64_t load_ns = 0;
  int64_t ttft_ns = 10'000'000;
  int64_t prefill_ns_per_token = 100'000;
  int64_t gap_ns = 5'000'000;
  double gap_sd = 0.0;           ///< lognormal sd of each gap (in logs)
  double run_sd = 0.0;           ///< lognormal sd common to a run
  double temperature_slope = 0;  ///< relative slow-down per unit of temperature, to plant an effect
  int fail_every = 0;            ///< every n-th run throws Error engine; 0 = never
  int prompt_tokens = 16;
};

/// A server that speaks OpenAI's protocol, and how it is asked.
struct ServerOptions {
  std::string url;           ///< "http://127.0.0.1:8080" or with a path that ends before /chat/completions, as "…/v1"
  std::string model;         ///< the server's name for the model; empty = the name that load() is given
  std::string key_variable;  ///< environment variable that holds the key; empty = no key
  std::vector<std::pair<std::string, std::string>> headers;  ///< sent with every request
  std::string body;                  ///< JSON object whose fields are added to every request's, or replace them; empty = none
  std::string ca_file;               ///< certificates to trust instead of the system's
  std::string proxy;                 ///< empty = the environment's
  std::string socket;                ///< path of a Unix socket to connect to instead of the URL's host
  double connect_s = 5;              ///< time limits: for a connection,
  double first_token_s = 60;         ///< from the request to the first byte of a token,
  double gap_s = 30;                 ///< and from then on between bytes
  std::vector<std::string> command;  ///< a server to start as a child, "{port}" and "{model}" filled in; empty = it runs already
  std::string ready = "/health";     ///< path that answers 200 once a started server can be asked
  double ready_s = 120;              ///< time limit for that
  std::filesystem::path log;         ///< file that what a started server prints is added to; empty = none
};

/// Everything an engine needs to be made; unset = the engine's default.
struct EngineOptions {
  std::string kind = "embedded";  ///< as `inferometer engines` lists them
  int threads = 0;                ///< 0 = physical cores
  Accuracy accuracy = Accuracy::fast;
  int context = 0;   ///< 0 = the model's limit, at most 4096
  int parallel = 1;  ///< embedded: sequences that may be decoded together, each with that context
  std::string isa;   ///< "" = the best that the CPU has; "reference", "avx2", …
  Speculation speculation = Speculation::off;
  std::string cache_type;               ///< llama_cpp: of keys and values, "f16", "f32", "q8_0"; "" = f16
  std::optional<bool> flash_attention;  ///< llama_cpp; unset = its own choice
  std::string device;                   ///< mlx: "cpu", "gpu"; "" = MLX's own choice
  std::filesystem::path program;        ///< process: the inferometer to start as a child; empty = this one
  std::string inner = "embedded";       ///< process: the engine that the child runs
  ServerOptions server;                 ///< openai
  SimulatedTiming simulated;
};

/// An engine: something that loads models.
class Engine {
 public:
  virtual ~Engine() = default;
  [[nodiscard]] virtual std::string name() const = 0;
  [[nodiscard]] virtual std::string version() const = 0;
  /// Whether load() reads the model's files; otherwise its path may be empty.
  [[nodiscard]] virtual bool needs_files() const { return true; }
  /// Looks whether load() can succeed as far as that is known without loading: whether a server answers. @throws Error as load().
  virtual void check() {}
  /// `path`: folder or `.gguf`; `name` is what info().name will say. @throws Error not_found, invalid_data, unsupported,
  /// resource.
  [[nodiscard]] virtual std::unique_ptr<Model> load(const std::filesystem::path& path, const std::string& name) = 0;
};

}  // namespace ifm
