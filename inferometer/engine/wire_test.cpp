#include "inferometer/engine/wire.h"

#include <sstream>

#include <gtest/gtest.h>

#include "inferometer/base/error.h"
#include "inferometer/engine/worker.h"

namespace ifm {
namespace {

TEST(Wire, RequestAndCompletionComeBackAsTheyWere) {
  Request request{.form = PromptForm::raw,
                  .messages = {{"user", "h\xC3\xA9\n\"x\""}},
                  .max_tokens = 7,
                  .ignore_eos = true,
                  .stop = {"a", "b"}};
  request.sampling = {.temperature = 0.3,
                      .top_k = 4,
                      .top_p = 0.5,
                      .min_p = 0.1,
                      .repetition_penalty = 1.1,
                      .presence_penalty = 0.2,
                      .frequency_penalty = 0.3,
                      .seed = 18446744073709551615ULL};
  const Request came = request_from_wire(nlohmann::json::parse(to_wire(request).dump()));
  EXPECT_EQ(to_wire(came), to_wire(request));
  EXPECT_EQ(came.max_tokens, 7);
  EXPECT_TRUE(came.ignore_eos);
  EXPECT_EQ(came.sampling.temperature, 0.3);
  EXPECT_EQ(came.sampling.top_k, 4);
  EXPECT_EQ(came.sampling.top_p, 0.5);
  EXPECT_EQ(came.sampling.min_p, 0.1);
  EXPECT_EQ(came.sampling.seed, 18446744073709551615ULL);
  const Completion completion{.start_ns = 1,
                              .end_ns = 9,
                              .prefill_begin_ns = 2,
                              .prefill_end_ns = {},
                              .prompt_tokens = 3,
                              .cached_tokens = 1,
                              .output_tokens = 5,
                              .source = CountSource::engine,
                              .finish = FinishReason::stop,
                              .speculated = Speculated{.drafted_tokens = 6, .accepted_tokens = 4, .steps = 2}};
  const Completion back = completion_from_wire(nlohmann::json::parse(to_wire(completion).dump()));
  EXPECT_EQ(to_wire(back), to_wire(completion));
  EXPECT_FALSE(back.prefill_end_ns.has_value());
  EXPECT_EQ(back.speculated.value().accepted_tokens, 4);
  nlohmann::json older = to_wire(Completion{});
  older.erase("speculated");
  EXPECT_FALSE(completion_from_wire(older).speculated.has_value());
}

TEST(Wire, OptionsReachTheWorker) {
  const EngineOptions options{
      .threads = 3, .accuracy = Accuracy::exact, .context = 77, .isa = "avx2", .speculation = Speculation::lookup};
  const EngineOptions back = options_from_wire(nlohmann::json::parse(to_wire(options).dump()));
  EXPECT_EQ(to_wire(back), to_wire(options));
  EXPECT_EQ(back.speculation, Speculation::lookup);
}

TEST(Wire, ModelInfoComesBackAsItWas) {
  const ModelInfo info{.name = "n",
                       .path = "/p",
                       .architecture = "llama",
                       .quantization = "q",
                       .hash = {},
                       .isa = "avx2",
                       .accuracy = "fast",
                       .threads = 2,
                       .context = 5,
                       .weight_bytes = 6,
                       .parameters = {},
                       .bytes_per_token = 7,
                       .cache_bytes_per_position = 8,
                       .macs_per_token = 9,
                       .head_macs = 10,
                       .attention_macs_per_position = 11,
                       .logits_only_macs = 12,
                       .logits_only_attention_macs_per_position = 13};
  const ModelInfo back = info_from_wire(nlohmann::json::parse(to_wire(info).dump()));
  EXPECT_EQ(to_wire(back), to_wire(info));
  EXPECT_EQ(back.logits_only_macs, 12);
  EXPECT_EQ(back.logits_only_attention_macs_per_position, 13);
}

TEST(Worker, ReportsErrorsAsLinesAndRefusesWhatIsNotTheProtocol) {
  const auto make = [](const EngineOptions&) -> std::unique_ptr<Engine> { fail(ErrorKind::not_found, "x: not there"); };
  std::istringstream input("{\"decode\": [1]}\n{\"load\": {\"path\": \"p\", \"name\": \"n\", \"options\": " +
                           to_wire(EngineOptions{}).dump() + "}}\n");
  std::ostringstream output;
  serve_worker(input, output, make);
  EXPECT_EQ(output.str(),
            "{\"error\":{\"kind\":\"usage\",\"message\":\"worker: no model is loaded (expected a load line first)\"}}\n"
            "{\"error\":{\"kind\":\"not_found\",\"message\":\"x: not there\"}}\n");
  std::istringstream garbage("not json\n");
  EXPECT_THROW(serve_worker(garbage, output, make), Error);
}

}  // namespace
}  // namespace ifm
