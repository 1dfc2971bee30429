// llama.cpp in this process, on the synthetic tiny Llama with F16 weights, where the embedded engine's exact arithmetic computes
// the same function; and its tokenizer against ours on SmolLM2.
#include "inferometer/engine/llama_cpp.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <optional>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "inferometer/base/test_folder.h"
#include "inferometer/engine/llama_cpp_text.h"
#include "inferometer/hub/synth.h"
#include "inferometer/text/utf8_stream.h"
#include "tests/model/test_models.h"
#include "tests/model/topk_golden.h"

namespace ifm::test {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;
using testing::Not;

/// The tiny Llama, written once for this process.
const fs::path& tiny_gguf() {
  struct File {
    TempFolder folder;
    fs::path path = folder.path() / "tiny.gguf";
    File() {
      synthesize("tiny-llama", {.format = SynthFormat::gguf, .type = "f16"}, path, [](std::string_view) {});
    }
  };
  static const File file;
  return file.path;
}

EngineOptions llama_cpp_options() {
  EngineOptions options;
  options.kind = "llama_cpp";
  options.threads = 2;
  options.cache_type = "f32";
  return options;
}

std::vector<TokenId> some_ids(int count) {
  std::vector<TokenId> ids;
  for (int i = 0; i < count; ++i) ids.push_back((i * 37 + 11) % 500);
  return ids;
}

Request raw_request(const std::string& text, int max_tokens) {
  Request request;
  request.form = PromptForm::raw;
  request.messages = {{"user", text}};
  request.max_tokens = max_tokens;
  request.ignore_eos = true;
  return request;
}

class Collector final : public TokenSink {
 public:
  void on_tokens(const TokenEvent& event) override {
    ids.insert(ids.end(), event.ids.begin(), event.ids.end());
    text += event.text;
    times.push_back(event.received_ns);
    if (ids.size() == stop_after) stop.request_stop();
  }
  std::vector<TokenId> ids;
  std::string text;
  std::vector<int64_t> times;
  std::size_t stop_after = 0;
  StopSource stop;
};

struct Distance {
  double kl = 0;
  bool same_top = true;
};

Distance distance(std::span<const float> reference, std::span<const float> other) {
  const double total = log_sum_exp(reference), other_total = log_sum_exp(other);
  double kl = 0;
  for (std::size_t i = 0; i < reference.size(); ++i) {
    const double ln_p = static_cast<double>(reference[i]) - total;
    kl += std::exp(ln_p) * (ln_p - (static_cast<double>(other[i]) - other_total));
  }
  return {kl, std::ranges::max_element(reference) - reference.begin() == std::ranges::max_element(other) - other.begin()};
}

std::string failure(const std::function<void()>& action, ErrorKind kind) {
  try {
    action();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), kind) << error.message();
    EXPECT_THAT(error.message(), Not(HasSubstr("\n")));
    return error.message();
  }
  ADD_FAILURE() << "no error";
  return {};
}

TEST(LlamaCpp, IsListedWithVersionAndDevice) {
  const EngineStatus status = llama_cpp_status();
  EXPECT_TRUE(status.available);
  EXPECT_FALSE(status.version.empty());
  EXPECT_FALSE(status.device.empty());
  EXPECT_TRUE(status.what_to_install.empty());
}

TEST(LlamaCpp, LogitsAreEmbeddedExactOnes) {
  const LoadedModel theirs(tiny_gguf(), llama_cpp_options());
  const LoadedModel ours(tiny_gguf(), options_with(Accuracy::exact));
  ASSERT_EQ(theirs.evaluator().vocab(), ours.evaluator().vocab());
  const std::vector<TokenId> ids = some_ids(300);
  std::vector<std::vector<float>> reference;
  ours.evaluator().score(ids, [&](int, std::span<const float> logits) { reference.emplace_back(logits.begin(), logits.end()); });
  int seen = 0, same_top = 0;
  theirs.evaluator().score(ids, [&](int index, std::span<const float> logits) {
    EXPECT_EQ(index, seen++);
    const Distance found = distance(reference[static_cast<std::size_t>(index)], logits);
    EXPECT_LE(found.kl, 1e-3) << index;
    same_top += found.same_top ? 1 : 0;
  });
  EXPECT_EQ(seen, 300);
  // llama.cpp rounds the inputs of F16 products to F16: a random model's near ties may go the other way.
  EXPECT_GE(same_top, 297);
  EXPECT_EQ(theirs.evaluator().position(), 300);
}

TEST(LlamaCpp, PiecesStepsAndTruncationGiveOnePromptsLogits) {
  const LoadedModel loaded(tiny_gguf(), llama_cpp_options());
  Evaluator& evaluator = loaded.evaluator();
  const std::vector<TokenId> ids = some_ids(100);
  evaluator.prefill(ids);
  const std::vector<float> whole(evaluator.logits().begin(), evaluator.logits().end());
  const auto expect_whole = [&] {
    EXPECT_EQ(evaluator.position(), 100);
    const Distance found = distance(whole, evaluator.logits());
    // A step is another product than a prompt's, rounded otherwise.
    EXPECT_LE(found.kl, 1e-4);
    EXPECT_TRUE(found.same_top);
  };
  evaluator.reset();
  EXPECT_EQ(evaluator.position(), 0);
  evaluator.prefill(std::span(ids).first(33));
  evaluator.prefill(std::span(ids).subspan(33, 65));
  evaluator.step(ids[98]);
  evaluator.step(ids[99]);
  expect_whole();
  evaluator.prefill(some_ids(20));
  evaluator.truncate(60);
  EXPECT_EQ(evaluator.position(), 60);
  evaluator.prefill(std::span(ids).subspan(60));
  expect_whole();
}

TEST(LlamaCpp, EvaluatorRefusesWhatItCannotDo) {
  EngineOptions options = llama_cpp_options();
  options.context = 64;
  const LoadedModel loaded(tiny_gguf(), options);
  EXPECT_EQ(loaded.model->info().context, 64);
  (void)failure([&] { loaded.evaluator().prefill(some_ids(65)); }, ErrorKind::resource);
  (void)failure([&] { loaded.evaluator().score(some_ids(65), [](int, std::span<const float>) {}); }, ErrorKind::resource);
  (void)failure([&] { loaded.evaluator().step(-1); }, ErrorKind::usage);
  (void)failure([&] { loaded.evaluator().step(loaded.evaluator().vocab()); }, ErrorKind::usage);
  (void)failure([&] { loaded.evaluator().prefill({}); }, ErrorKind::usage);
  EXPECT_EQ(loaded.evaluator().position(), 0);
  loaded.evaluator().prefill(some_ids(64));
}

TEST(LlamaCpp, GeneratesTheAskedLengthAndTheSameAgain) {
  const LoadedModel loaded(tiny_gguf(), llama_cpp_options());
  Request request = raw_request("Once upon a time", 24);
  request.sampling = {.temperature = 0.8, .top_k = 40, .seed = 7};
  std::vector<TokenId> first;
  for (int i = 0; i < 2; ++i) {
    Collector sink;
    const Completion done = loaded.model->generate(request, sink, {});
    EXPECT_EQ(done.finish, FinishReason::length);
    EXPECT_EQ(done.output_tokens, 24);
    EXPECT_EQ(sink.ids.size(), 24u);
    EXPECT_EQ(done.prompt_tokens, static_cast<int>(loaded.model->encode(request).size()));
    ASSERT_TRUE(done.prefill_begin_ns && done.prefill_end_ns);
    EXPECT_LE(done.start_ns, *done.prefill_begin_ns);
    EXPECT_LT(*done.prefill_begin_ns, *done.prefill_end_ns);
    EXPECT_LE(*done.prefill_end_ns, sink.times.front());
    EXPECT_EQ(done.end_ns, sink.times.back());
    if (i == 0) first = sink.ids;
    EXPECT_EQ(sink.ids, first);
    Utf8Stream utf8;
    const std::string decoded = utf8.push(loaded.model->decode(sink.ids));
    EXPECT_EQ(sink.text, decoded + utf8.finish());
  }
}

TEST(LlamaCpp, GreedyIdsAreTheLargestLogits) {
  const LoadedModel loaded(tiny_gguf(), llama_cpp_options());
  const Request request = raw_request("Once upon a time", 12);
  Collector sink;
  (void)loaded.model->generate(request, sink, {});
  Evaluator& evaluator = loaded.evaluator();
  evaluator.reset();
  evaluator.prefill(loaded.model->encode(request));
  for (const TokenId id : sink.ids) {
    EXPECT_EQ(std::ranges::max_element(evaluator.logits()) - evaluator.logits().begin(), id);
    evaluator.step(id);
  }
}

TEST(LlamaCpp, StopStringEndsAfterTheTokenThatCompletesIt) {
  const LoadedModel loaded(tiny_gguf(), llama_cpp_options());
  Request request = raw_request("Once upon a time", 40);
  Collector whole;
  (void)loaded.model->generate(request, whole, {});
  // A piece of the text that is there once.
  const std::string mark = whole.text.substr(whole.text.size() / 2, 6);
  request.stop = {mark};
  Collector sink;
  const Completion done = loaded.model->generate(request, sink, {});
  EXPECT_EQ(done.finish, FinishReason::stop);
  EXPECT_LT(sink.ids.size(), whole.ids.size());
  EXPECT_THAT(sink.text, HasSubstr(mark));
}

TEST(LlamaCpp, StopRequestCancelsBetweenTokensAndWithinThePrompt) {
  const LoadedModel loaded(tiny_gguf(), llama_cpp_options());
  const Request request = raw_request("Once upon a time", 40);
  Collector undisturbed;
  (void)loaded.model->generate(request, undisturbed, {});
  Collector sink;
  sink.stop_after = 3;
  const Completion done = loaded.model->generate(request, sink, sink.stop.get_token());
  EXPECT_EQ(done.finish, FinishReason::cancelled);
  EXPECT_EQ(done.output_tokens, 3);
  Collector none;
  none.stop.request_stop();
  const Completion aborted = loaded.model->generate(request, none, none.stop.get_token());
  EXPECT_EQ(aborted.finish, FinishReason::cancelled);
  EXPECT_EQ(aborted.output_tokens, 0);
  EXPECT_FALSE(aborted.prefill_end_ns);
  Collector after;
  (void)loaded.model->generate(request, after, {});
  EXPECT_EQ(after.ids, undisturbed.ids);
}

TEST(LlamaCpp, EosEndsUnlessIgnored) {
  // A temperature at which the random model draws nearly evenly: among 512 ids the EOS comes soon.
  const LoadedModel loaded(tiny_gguf(), llama_cpp_options());
  Request request = raw_request("Once upon a time", 1800);
  request.sampling = {.temperature = 100.0, .seed = 1};
  request.ignore_eos = false;
  Collector sink;
  const Completion done = loaded.model->generate(request, sink, {});
  ASSERT_EQ(done.finish, FinishReason::stop);
  Collector longer;
  request.ignore_eos = true;
  request.max_tokens = done.output_tokens + 2;
  const Completion ignored = loaded.model->generate(request, longer, {});
  EXPECT_EQ(ignored.finish, FinishReason::length);
  ASSERT_EQ(longer.ids.size(), sink.ids.size() + 2);
  EXPECT_TRUE(std::equal(sink.ids.begin(), sink.ids.end(), longer.ids.begin()));
}

TEST(LlamaCpp, RequestThatDoesNotFitIsRefused) {
  EngineOptions options = llama_cpp_options();
  options.context = 32;
  const LoadedModel loaded(tiny_gguf(), options);
  Collector sink;
  EXPECT_THAT(failure([&] { (void)loaded.model->generate(raw_request("Once", 40), sink, {}); }, ErrorKind::resource),
              HasSubstr("32"));
  options.context = 4096;
  EXPECT_THAT(failure([&] { const LoadedModel more(tiny_gguf(), options); }, ErrorKind::usage), HasSubstr("2048"));
}

TEST(LlamaCpp, UnknownOptionsAreRefused) {
  EngineOptions options = llama_cpp_options();
  options.cache_type = "q2_k";
  SteadyClock clock;
  EXPECT_THAT(failure([&] { (void)make_engine(options, clock); }, ErrorKind::usage), HasSubstr("q8_0"));
  options.cache_type = "q8_0";
  options.flash_attention = false;
  (void)failure([&] { (void)make_engine(options, clock); }, ErrorKind::usage);
}

TEST(LlamaCpp, CacheTypesAndFlashAttentionAreLoadable) {
  for (const char* type : {"", "f16", "f32", "q8_0"}) {
    for (const auto flash : {std::optional<bool>(), std::optional<bool>(true), std::optional<bool>(false)}) {
      if (type == std::string("q8_0") && flash == false) continue;
      EngineOptions options = llama_cpp_options();
      options.cache_type = type;
      options.flash_attention = flash;
      const LoadedModel loaded(tiny_gguf(), options);
      const std::string name = type;
      EXPECT_EQ(loaded.model->info().accuracy, name == "f16" ? "" : name);
      Collector sink;
      EXPECT_EQ(loaded.model->generate(raw_request("Once", 4), sink, {}).output_tokens, 4);
    }
  }
}

TEST(LlamaCpp, RefusalsAreOneLineThatSaysWhy) {
  SteadyClock clock;
  const auto engine = make_engine(llama_cpp_options(), clock);
  const fs::path folder = tiny_gguf().parent_path();
  EXPECT_THAT(failure([&] { (void)engine->load(folder, "folder"); }, ErrorKind::unsupported), HasSubstr("embedded and mlx"));
  (void)failure([&] { (void)engine->load(folder / "absent.gguf", "absent"); }, ErrorKind::not_found);
  const fs::path text = folder / "text.gguf";
  std::ofstream(text) << "This is no model, however long one reads on.";
  EXPECT_THAT(failure([&] { (void)engine->load(text, "text"); }, ErrorKind::invalid_data), HasSubstr("magic"));
  std::ifstream original(tiny_gguf(), std::ios::binary);
  std::string bytes{std::istreambuf_iterator<char>(original), {}};
  bytes.replace(bytes.find("llama", bytes.find("general.architecture")), 5, "alpha");
  const fs::path unknown = folder / "unknown.gguf";
  std::ofstream(unknown, std::ios::binary) << bytes;
  EXPECT_THAT(failure([&] { (void)engine->load(unknown, "unknown"); }, ErrorKind::unsupported), HasSubstr("alpha"));
  const fs::path half = folder / "half.gguf";
  fs::copy_file(tiny_gguf(), half);
  fs::resize_file(half, fs::file_size(half) / 2);
  EXPECT_THAT(failure([&] { (void)engine->load(half, "half"); }, ErrorKind::invalid_data), HasSubstr("llama.cpp"));
}

TEST(LlamaCpp, SaysNothingOnStandardError) {
  testing::internal::CaptureStderr();
  {
    const LoadedModel loaded(tiny_gguf(), llama_cpp_options());
    Collector sink;
    (void)loaded.model->generate(raw_request("Once", 4), sink, {});
    loaded.model->park();
    const fs::path text = tiny_gguf().parent_path() / "silent.gguf";
    std::ofstream(text) << "no model";
    (void)failure([&] { (void)loaded.engine->load(text, "text"); }, ErrorKind::invalid_data);
  }
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "");
}

TEST(LlamaCpp, ParkedThreadsSleep) {
  const LoadedModel loaded(tiny_gguf(), llama_cpp_options());
  Collector sink;
  for (int i = 0; i < 2; ++i) {  // and awake again after the first time
    (void)loaded.model->generate(raw_request("Once upon a time", 24), sink, {});
    loaded.model->park();
    const std::clock_t before = std::clock();  // of all threads of the process
    std::this_thread::sleep_for(std::chrono::milliseconds(200));
    const double busy_s = static_cast<double>(std::clock() - before) / CLOCKS_PER_SEC;
    EXPECT_LE(busy_s, 0.2 * 0.2);
  }
}

TEST(LlamaCpp, InfoSaysWhatIsKnown) {
  const LoadedModel loaded(tiny_gguf(), llama_cpp_options());
  const ModelInfo& info = loaded.model->info();
  EXPECT_EQ(info.name, "tiny.gguf");
  EXPECT_EQ(info.architecture, "llama");
  EXPECT_THAT(info.quantization, HasSubstr("F16"));
  EXPECT_EQ(info.threads, 2);
  EXPECT_EQ(info.context, 2048);
  EXPECT_GT(info.weight_bytes.value_or(0), 1'000'000);
  EXPECT_GT(info.parameters.value_or(0), 1'000'000);
}

struct Texts {
  Checkpoint checkpoint;
  LlamaModelPtr model;

  explicit Texts(const fs::path& path) : checkpoint(Checkpoint::open(path)) {
    start_llama_cpp();
    llama_model_params params = llama_model_default_params();
    params.vocab_only = true;
    model.reset(llama_model_load_from_file(path.c_str(), params));
  }
};

TEST(LlamaCppText, OurTokenizerMakesTheIdsOfModelsThatItAgreesOn) {
  for (const fs::path& path : {tiny_gguf(), model_path(kGgufModel)}) {
    const Texts texts(path);
    ASSERT_NE(texts.model, nullptr);
    EXPECT_TRUE(LlamaCppText(*texts.model, &texts.checkpoint).ours()) << path;
  }
}

TEST(LlamaCppText, ABosIsNotDoubled) {
  const Texts texts(tiny_gguf());
  const LlamaCppText ours(*texts.model, &texts.checkpoint);
  const LlamaCppText theirs(*texts.model, nullptr);
  Request request = raw_request("Once", 1);
  for (const PromptForm form : {PromptForm::raw, PromptForm::chat}) {
    request.form = form;
    const std::vector<TokenId> ids = theirs.encode(request).ids;
    ASSERT_GE(ids.size(), 2u);
    EXPECT_EQ(ids[0], llama_vocab_bos(llama_model_get_vocab(texts.model.get())));
    EXPECT_NE(ids[0], ids[1]);
    EXPECT_EQ(ours.encode(request).ids.front(), ids[0]);
  }
}

TEST(LlamaCppText, WithoutOurTokenizerTheIdsAreTheSame) {
  const Texts texts(model_path(kGgufModel));
  LlamaCppText ours(*texts.model, &texts.checkpoint);
  LlamaCppText theirs(*texts.model, nullptr);
  EXPECT_FALSE(theirs.ours());
  Request request = raw_request("It's 12345 o'clock\n\n  in caf\xc3\xa9s \xf0\x9f\x98\x80", 1);
  const std::vector<TokenId> ids = ours.encode(request).ids;
  EXPECT_EQ(theirs.encode(request).ids, ids);
  EXPECT_EQ(theirs.decode(ids), ours.decode(ids));
  EXPECT_EQ(theirs.decode(ids), request.messages.front().content);
  for (const TokenId id : ids) EXPECT_EQ(theirs.piece(id), ours.piece(id));
  request.form = PromptForm::chat;
  request.messages = {{"system", "You are terse."}, {"user", "What is the capital of France?"}};
  const std::vector<TokenId> chat = ours.encode(request).ids;
  EXPECT_EQ(theirs.encode(request).ids, chat);
  EXPECT_EQ(theirs.decode(chat), ours.decode(chat));
  EXPECT_EQ(theirs.piece(chat.front()), "");
  EXPECT_TRUE(std::ranges::includes(theirs.eos(), ours.eos()));
}

}  // namespace
}  // namespace ifm::test
