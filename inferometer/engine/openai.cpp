#include "inferometer/engine/openai.h"

#include <algorithm>
#include <cstdlib>
#include <optional>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "inferometer/base/error.h"
#include "inferometer/engine/event_tokens.h"
#include "inferometer/engine/in_process.h"
#include "inferometer/engine/managed_server.h"
#include "inferometer/engine/openai_request.h"
#include "inferometer/engine/openai_stream.h"
#include "inferometer/format/checkpoint.h"
#include "inferometer/net/http.h"
#include "inferometer/net/sse.h"
#include "inferometer/text/model_text.h"

#include <curl/curlver.h>

namespace ifm {
namespace {

using nlohmann::json;

constexpr std::size_t kMaxErrorBytes = std::size_t{64} << 10U;
/// Limit for questions about the server itself.
constexpr double kQuestionS = 10;
/// mlx-lm's server: the model that it was started with; any other name is looked up on the Hub.
constexpr const char* kLoadedModel = "default_model";

/// The model's text side, where its files are here.
struct LocalText {
  ModelText text;
  std::vector<TokenId> eos;
};

std::optional<LocalText> open_text(const std::filesystem::path& path) {
  if (path.empty()) return std::nullopt;
  try {
    const Checkpoint checkpoint = Checkpoint::open(path);
    return LocalText{ModelText::open(checkpoint), checkpoint.config().eos};
  } catch (const Error&) {
    return std::nullopt;  // the server may serve what we cannot read; its counts are then its own
  }
}

HttpSettings settings_of(const ServerOptions& options) {
  HttpSettings settings{.headers = options.headers,
                        .ca_file = options.ca_file,
                        .proxy = options.proxy,
                        .socket = options.socket,
                        .connect_s = options.connect_s};
  if (!options.key_variable.empty()) {
    const char* key = std::getenv(options.key_variable.c_str());
    if (key == nullptr || *key == '\0')
      fail(ErrorKind::usage, "server: the environment variable {} is not set (expected the server's key)", options.key_variable);
    settings.headers.emplace_back("Authorization", std::string("Bearer ") + key);
  }
  return settings;
}

/// What every server of the kind answers, also while it loads.
HttpRequest models_question(const std::string& url) {
  return {.url = root_of(url) + "/v1/models", .body = {}, .first_s = kQuestionS, .gap_s = kQuestionS};
}

/// The answer on its way: bytes to events to tokens; an error's body is kept.
class AnswerReader final : public HttpHandler {
 public:
  explicit AnswerReader(TokenSink& sink) : stream_(sink) {}

  void on_headers(int status, const std::map<std::string, std::string>& /*headers*/) override { status_ = status; }
  void on_body(std::string_view bytes, int64_t received_ns) override {
    if (status_ != 200) {
      error_body_ += bytes.substr(0, kMaxErrorBytes - std::min(kMaxErrorBytes, error_body_.size()));
      return;
    }
    parser_.push(bytes, [&](const SseEvent& event) { stream_.take(event, received_ns); });
  }
  [[nodiscard]] bool complete() const override { return stream_.done(); }
  [[nodiscard]] int64_t progress() const override { return static_cast<int64_t>(stream_.pieces().size()); }

  /// @throws Error when the answer was an error, or is not whole.
  const OpenAiStream& finished() {
    if (status_ != 200) {
      const std::string message = error_message_of(error_body_);
      fail(ErrorKind::network, "server: HTTP status {}{}{}", status_, message.empty() ? "" : ": ", message);
    }
    stream_.end(parser_.unfinished());
    return stream_;
  }
  [[nodiscard]] const OpenAiStream& stream() const { return stream_; }

 private:
  OpenAiStream stream_;
  SseParser parser_;
  int status_ = 0;
  std::string error_body_;
};

class OpenAiModel final : public Model {
 public:
  OpenAiModel(const ServerOptions& options, Clock& clock, const std::filesystem::path& path, const std::string& name)
      : options_(options),
        clock_(clock),
        local_(open_text(path)),
        server_(options.command.empty() ? nullptr
                                        : std::make_unique<ManagedServer>(options, path.empty() ? name : path.string(), clock)),
        url_(server_ == nullptr ? options.url : server_->url()),
        client_(settings_of(options), clock) {
    ask_what_it_is(name);
    info_ = {.name = name,
             .path = path,
             .architecture = {},
             .quantization = {},
             .hash = {},
             .isa = to_string(kind_),
             .engine_version = version_.empty() ? "version unknown" : version_};
  }

  [[nodiscard]] const ModelInfo& info() const override { return info_; }

  [[nodiscard]] std::vector<TokenId> encode(const Request& request) override {
    return local_ ? encode_request(local_->text, request).ids : std::vector<TokenId>();
  }

  [[nodiscard]] std::string decode(std::span<const TokenId> ids) override {
    return local_ ? local_->text.tokenizer.decode(ids) : std::string();
  }

  Completion generate(const Request& request, TokenSink& sink, StopToken stop) override {
    const std::span<const TokenId> eos = local_ ? std::span<const TokenId>(local_->eos) : std::span<const TokenId>();
    const HttpRequest question{.url = endpoint_of(url_, request.form),
                               .body = body_of(request, model_, kind_, eos, options_.body),
                               .first_s = options_.first_token_s,
                               .gap_s = options_.gap_s};
    AnswerReader reader(sink);
    Completion done{.start_ns = clock_.now_ns()};
    const HttpResult result = send(question, reader, stop);
    done.connect_ns = result.connect_ns;
    if (result.stopped) {
      done.finish = FinishReason::cancelled;
      done.end_ns = reader.stream().pieces().empty() ? done.start_ns : reader.stream().pieces().back().received_ns;
      return done;
    }
    take_account(reader.finished(), request, done);
    return done;
  }

 private:
  HttpResult send(const HttpRequest& question, HttpHandler& reader, const StopToken& stop) {
    try {
      return client_.send(question, reader, stop);
    } catch (const Error&) {
      if (server_ != nullptr && server_->has_ended())
        fail(ErrorKind::engine, "server: {} ended while it answered: {}", options_.command.front(), server_->last_line());
      throw;
    }
  }

  /// Which server this is and what it calls its model. Opens the connection, too.
  void ask_what_it_is(const std::string& name) {
    const HttpClient::Answer answer = client_.fetch(models_question(url_));
    if (answer.status == 401 || answer.status == 403)
      fail(ErrorKind::network, "server: HTTP status {}: {}", answer.status, error_message_of(answer.body));
    const json models = answer.status == 200 ? json::parse(answer.body, nullptr, false) : json();
    const auto header = answer.headers.find("server");
    version_ = header == answer.headers.end() ? "" : header->second;
    kind_ = server_kind_of(url_, version_, models);
    model_ = options_.model;
    if (model_.empty()) model_ = only_model_of(models).value_or(kind_ == ServerKind::mlx_lm ? kLoadedModel : name);
  }

  static std::optional<std::string> only_model_of(const json& models) {
    if (!models.is_object()) return std::nullopt;
    const auto data = models.find("data");
    if (data == models.end() || !data->is_array() || data->size() != 1) return std::nullopt;
    const json& model = data->front();
    if (!model.is_object() || !model.contains("id") || !model["id"].is_string()) return std::nullopt;
    return model["id"].get<std::string>();
  }

  void take_account(const OpenAiStream& stream, const Request& request, Completion& done) {
    if (!served_.empty() && !stream.model().empty() && served_ != stream.model()) {
      fail(ErrorKind::engine, "server: it answered with the model {} (expected {} as before)", stream.model(), served_);
    }
    if (served_.empty()) served_ = stream.model();
    if (!stream.fingerprint().empty()) info_.engine_version = stream.fingerprint();
    std::vector<std::string> texts;
    for (const OpenAiStream::Piece& piece : stream.pieces()) texts.push_back(piece.reasoning + piece.text);
    Tokenize tokenize;
    if (local_) tokenize = [this](std::string_view text) { return local_->text.tokenizer.encode(text, SpecialText::plain); };
    CountedAnswer counted =
        count_answer({texts.begin(), texts.end()}, stream.completion_tokens(), end_of(stream, request), tokenize);
    done.end_ns = last_token_ns(stream, counted);
    done.prompt_tokens = stream.prompt_tokens().value_or(local_ ? static_cast<int>(encode(request).size()) : 0);
    done.cached_tokens = stream.cached_tokens().value_or(0);
    done.output_tokens = counted.tokens;
    done.source = counted.source;
    done.finish = stream.finish_reason() == "length" ? FinishReason::length : FinishReason::stop;
    done.server = stream.timings();
    done.event_tokens = std::move(counted.of_event);
    done.ids = std::move(counted.ids);
    done.flags = stream.flags();
    if (counted.disputed) done.flags.emplace_back("count_disputed");
  }

  static AnswerEnd end_of(const OpenAiStream& stream, const Request& request) {
    if (stream.finish_reason() == "stop" && request.stop.empty()) return AnswerEnd::stop_token;
    const bool full = stream.finish_reason() == "length" && stream.completion_tokens() == request.max_tokens;
    return full ? AnswerEnd::asked_length : AnswerEnd::other;
  }

  static int64_t last_token_ns(const OpenAiStream& stream, const CountedAnswer& counted) {
    for (std::size_t i = counted.of_event.size(); i-- > 0;) {
      if (counted.of_event[i] > 0) return stream.pieces()[i].received_ns;
    }
    return stream.pieces().back().received_ns;
  }

  ServerOptions options_;
  Clock& clock_;
  std::optional<LocalText> local_;
  std::unique_ptr<ManagedServer> server_;
  std::string url_;
  HttpClient client_;
  ServerKind kind_ = ServerKind::unknown;
  std::string model_;    // asked for
  std::string served_;   // as the server calls it
  std::string version_;  // as its Server header says it
  ModelInfo info_;
};

class OpenAiEngine final : public Engine {
 public:
  OpenAiEngine(ServerOptions options, Clock& clock) : options_(std::move(options)), clock_(clock) {}
  [[nodiscard]] std::string name() const override { return "openai"; }
  [[nodiscard]] std::string version() const override { return "libcurl " LIBCURL_VERSION; }
  [[nodiscard]] bool needs_files() const override { return false; }
  void check() override {
    if (!options_.command.empty()) return;
    HttpClient client(settings_of(options_), clock_);
    (void)client.fetch(models_question(options_.url));
  }
  [[nodiscard]] std::unique_ptr<Model> load(const std::filesystem::path& path, const std::string& name) override {
    return std::make_unique<OpenAiModel>(options_, clock_, path, name);
  }

 private:
  ServerOptions options_;
  Clock& clock_;
};

}  // namespace

EngineStatus openai_status() {
  return {.available = true,
          .version = "libcurl " LIBCURL_VERSION,
          .device = "the server's (--url, or openai: {url: …} in a plan)",
          .what_to_install = {}};
}

std::unique_ptr<Engine> make_openai_engine(const EngineOptions& options, Clock& clock) {
  const ServerOptions& server = options.server;
  if (server.url.empty() && server.command.empty())
    fail(ErrorKind::usage, "openai: no server is named (expected its URL, for example --url http://127.0.0.1:8080)");
  if (!server.url.empty() && !server.url.starts_with("http://") && !server.url.starts_with("https://"))
    fail(ErrorKind::usage, "openai: {} is no address of a server (expected http://… or https://…)", server.url);
  return std::make_unique<OpenAiEngine>(server, clock);
}

}  // namespace ifm
