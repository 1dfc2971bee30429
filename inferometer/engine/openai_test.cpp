#include "inferometer/engine/openai.h"

#include <gtest/gtest.h>

#include <chrono>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <optional>
#include <semaphore>
#include <string>
#include <thread>
#include <vector>

#include <nlohmann/json.hpp>

#include "inferometer/base/error.h"
#include "inferometer/net/scripted_server.h"

namespace ifm {
namespace {

struct Kept final : TokenSink {
  void on_tokens(const TokenEvent& event) override {
    received_ns.push_back(event.received_ns);
    text += event.text;
  }
  std::vector<int64_t> received_ns;
  std::string text;
};

struct Outcome {
  std::optional<Completion> done;
  std::optional<Error> error;
  Kept kept;
};

Request chat(int max_tokens = 4) {
  Request request;
  request.messages = {{"user", "hi"}};
  request.max_tokens = max_tokens;
  return request;
}

Outcome ask(const ServerOptions& options, const Request& request = chat(), const StopToken& stop = {}) {
  Outcome outcome;
  SteadyClock clock;
  try {
    const auto engine = make_openai_engine({.kind = "openai", .server = options}, clock);
    const auto model = engine->load({}, "some-model");
    outcome.done = model->generate(request, outcome.kept, stop);
  } catch (const Error& error) {
    outcome.error = error;
  }
  return outcome;
}

Outcome ask(const ScriptedServer::Script& script, const Request& request = chat(), ServerOptions options = {}) {
  const ScriptedServer server(script);
  options.url = server.url();
  return ask(options, request);
}

std::string delta(const std::string& text, const std::string& model = "m") {
  return nlohmann::json{{"model", model},
                        {"choices", {{{"index", 0}, {"delta", {{"content", text}}}, {"finish_reason", nullptr}}}}}
      .dump();
}
std::string finish(const std::string& reason) {
  return R"({"model":"m","choices":[{"index":0,"delta":{},"finish_reason":")" + reason + R"("}]})";
}
std::string usage(int tokens, int cached = 0) {
  return nlohmann::json{
      {"choices", nlohmann::json::array()},
      {"usage", {{"prompt_tokens", 9}, {"completion_tokens", tokens}, {"prompt_tokens_details", {{"cached_tokens", cached}}}}}}
      .dump();
}
std::string stream(const std::vector<std::string>& events, const std::string& end = "data: [DONE]\n\n") {
  std::string all;
  for (const std::string& event : events) all += "data: " + event + "\n\n";
  return all + end;
}
const std::vector<std::string> kAnswer{delta("a"), delta("b"), delta("c"), delta("d"), finish("length"), usage(4)};

ScriptedServer::Script sends(const std::string& body, const std::string& more = "", const std::string& status = "200 OK") {
  return [=](ScriptedConnection& connection, const std::string&) {
    connection.headers(more, status);
    connection.send(body);
  };
}

void expect_answer(const Outcome& outcome) {
  ASSERT_FALSE(outcome.error) << outcome.error->message();
  EXPECT_EQ(outcome.kept.text, "abcd");
  EXPECT_EQ(outcome.done->output_tokens, 4);
  EXPECT_EQ(outcome.done->event_tokens, (std::vector<int>{1, 1, 1, 1, 0}));
  EXPECT_EQ(outcome.done->prompt_tokens, 9);
  EXPECT_EQ(outcome.done->finish, FinishReason::length);
  EXPECT_EQ(outcome.done->source, CountSource::usage);
}

void expect_error(const Outcome& outcome, ErrorKind kind, const std::string& part) {
  ASSERT_TRUE(outcome.error) << "the answer was taken: " << outcome.kept.text;
  EXPECT_EQ(outcome.error->kind(), kind) << outcome.error->message();
  EXPECT_NE(outcome.error->message().find(part), std::string::npos) << outcome.error->message();
  EXPECT_EQ(outcome.error->message().find('\n'), std::string::npos);
}

TEST(OpenAi, AStreamedAnswerIsItsTokens) {
  const Outcome outcome = ask(sends(stream(kAnswer)));
  expect_answer(outcome);
  EXPECT_TRUE(outcome.done->flags.empty());
  EXPECT_TRUE(outcome.done->connect_ns.has_value());
  EXPECT_EQ(outcome.done->end_ns, outcome.kept.received_ns[3]) << "the end is the last token, not the usage";
}

TEST(OpenAi, TheClockStartsBeforeTheServerHasTheRequest) {
  int64_t had_it_ns = 0;
  const Outcome outcome = ask([&](ScriptedConnection& c, const std::string&) {
    had_it_ns = SteadyClock().now_ns();
    c.headers();
    c.send(stream(kAnswer));
  });
  expect_answer(outcome);
  EXPECT_LE(outcome.done->start_ns, had_it_ns);
}

/// A sink whose events a server waits for.
struct Awaited final : TokenSink {
  void on_tokens(const TokenEvent& event) override {
    received_ns.push_back(event.received_ns);
    events.release();
  }
  std::vector<int64_t> received_ns;
  std::counting_semaphore<> events{0};
};

// Four tokens by their texts, or a fifth, an EOS, by the chunk that says "stop".
TEST(OpenAi, TheEndIsTheLastTokenAndNotWhatComesAfterIt) {
  for (const bool eos : {false, true}) {
    const std::size_t tokens = eos ? 5 : 4;
    Awaited sink;
    int64_t all_read_ns = 0;
    const std::vector<std::string> texts(kAnswer.begin(), kAnswer.begin() + 4);
    const ScriptedServer server([&](ScriptedConnection& c, const std::string&) {
      c.headers();
      c.send(stream(texts, ""));
      if (eos) c.data(finish("stop"));
      for (std::size_t i = 0; i < tokens; ++i) (void)sink.events.try_acquire_for(std::chrono::seconds(20));
      all_read_ns = SteadyClock().now_ns();
      if (!eos) c.data(finish("length"));
      c.data(usage(static_cast<int>(tokens)));
      c.send("data: [DONE]\n\n");
    });
    SteadyClock clock;
    const auto engine = make_openai_engine({.kind = "openai", .server = {.url = server.url()}}, clock);
    const auto model = engine->load({}, "x");
    const Completion done = model->generate(chat(static_cast<int>(tokens)), sink, {});
    EXPECT_EQ(done.end_ns, sink.received_ns.at(tokens - 1));
    EXPECT_LE(done.end_ns, all_read_ns) << "the server had not sent the end yet";
    EXPECT_EQ(done.output_tokens, static_cast<int>(tokens));
  }
}

TEST(OpenAi, TheRequestSaysWhatWasAsked) {
  ScriptedServer server(sends(stream(kAnswer)));
  server.models = R"({"data":[{"id":"one"}]})";
  Request request = chat(7);
  request.sampling = {.temperature = 0.7, .top_p = 0.9, .seed = 42};
  request.ignore_eos = true;
  const Outcome outcome =
      ask({.url = server.url() + "/v1/", .headers = {{"X-Team", "lab"}}, .body = R"({"n":1,"seed":null})"}, request);
  ASSERT_FALSE(outcome.error) << outcome.error->message();
  const std::string sent = server.requests().back();
  EXPECT_TRUE(sent.starts_with("POST /v1/chat/completions HTTP/1.1"));
  EXPECT_NE(sent.find("X-Team: lab"), std::string::npos);
  const auto body = nlohmann::json::parse(sent.substr(sent.find("\r\n\r\n") + 4));
  EXPECT_EQ(body["model"], "one");
  EXPECT_EQ(body["max_tokens"], 7);
  EXPECT_EQ(body["temperature"], 0.7);
  EXPECT_EQ(body["top_p"], 0.9);
  EXPECT_EQ(body["n"], 1);
  EXPECT_EQ(body["stream_options"]["include_usage"], true);
  EXPECT_FALSE(body.contains("seed")) << "null in the extra fields takes one away";
  EXPECT_FALSE(body.contains("ignore_eos")) << "a server of unknown kind is not sent what it may refuse";
}

TEST(OpenAi, IgnoringAnEosIsAskedOfServersThatKnowIt) {
  ScriptedServer server(sends(stream(kAnswer)));
  server.server_header = "llama.cpp";
  Request request = chat();
  request.ignore_eos = true;
  expect_answer(ask({.url = server.url()}, request));
  EXPECT_NE(server.requests().back().find("\"ignore_eos\":true"), std::string::npos);
  EXPECT_NE(server.requests().back().find("\"cache_prompt\":false"), std::string::npos);
}

TEST(OpenAi, Fault71OneByteASegmentAndAllInOneGiveTheSameTokens) {
  expect_answer(ask([](ScriptedConnection& c, const std::string&) {
    c.headers();
    c.send_by_bytes(stream(kAnswer));
  }));
  expect_answer(ask([](ScriptedConnection& c, const std::string&) {
    c.send("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + stream(kAnswer));
  }));
}

TEST(OpenAi, Fault73And83PingsAndRolesAreNoTokens) {
  const Outcome outcome = ask([](ScriptedConnection& c, const std::string&) {
    c.headers();
    c.send(": ping\n\n");
    c.data(R"({"choices":[{"delta":{"role":"assistant","content":null},"finish_reason":null}]})");
    c.data(R"({"choices":[{"delta":{"role":"assistant","content":""},"finish_reason":null}]})");
    std::this_thread::sleep_for(std::chrono::milliseconds(30));
    c.send(": ping\n\n" + stream(kAnswer));
  });
  expect_answer(outcome);
  EXPECT_GT(outcome.kept.received_ns.front() - outcome.done->start_ns, 30'000'000) << "the first token came after the pings";
}

TEST(OpenAi, Fault83ReasoningIsTokensButNoText) {
  const std::string thought = R"({"choices":[{"delta":{"reasoning_content":"hm"},"finish_reason":null}]})";
  const Outcome outcome = ask(sends(stream({thought, delta("a"), finish("stop"), usage(2)})));
  ASSERT_FALSE(outcome.error);
  EXPECT_EQ(outcome.kept.text, "a");
  EXPECT_EQ(outcome.done->event_tokens, (std::vector<int>{1, 1, 0}));
}

TEST(OpenAi, Fault76ErrorsAtStatus200AreTheServersWords) {
  const std::string error = R"({"error":{"message":"out of memory","type":"server_error"}})";
  expect_error(ask(sends("data: " + error + "\n\n")), ErrorKind::engine, "out of memory");
  expect_error(ask(sends("event: error\ndata: {\"message\":\"out of memory\"}\n\n")), ErrorKind::engine, "out of memory");
  expect_error(ask(sends("error: {\"message\":\"out of memory\"}\n\n")), ErrorKind::engine, "out of memory");
  expect_error(ask(sends(error)), ErrorKind::engine, "out of memory");
  expect_error(ask(sends(stream({delta("a")}, "data: " + error + "\n\n"))), ErrorKind::engine, "out of memory");
  expect_error(ask(sends("data: not json\n\n")), ErrorKind::network, "no JSON");
}

TEST(OpenAi, Fault77AnEndWithoutItsMarkIsFlaggedOrFails) {
  const Outcome flagged = ask(sends(stream(kAnswer, "")));
  expect_answer(flagged);
  EXPECT_EQ(flagged.done->flags, std::vector<std::string>{"no_end_marker"});
  expect_error(ask(sends(stream({delta("a"), delta("b")}, ""))), ErrorKind::network, "ended before the answer did");
}

TEST(OpenAi, Fault78TheMarkTwiceIsOneAndAloneIsNoAnswer) {
  expect_answer(ask(sends(stream(kAnswer) + "data: [DONE]\n\n" + stream({delta("z")}))));
  expect_error(ask(sends("data: [DONE]\n\n")), ErrorKind::engine, "no tokens");
}

TEST(OpenAi, Fault79AnOpenSocketAfterTheMarkIsNotWaitedFor) {
  SteadyClock clock;
  const int64_t begin_ns = clock.now_ns();
  const ServerOptions limits{.first_token_s = 60, .gap_s = 60};
  expect_answer(ask(
      [](ScriptedConnection& c, const std::string&) {
        c.headers();
        c.send(stream(kAnswer));
        c.hang();
      },
      chat(), limits));
  EXPECT_LT(clock.now_ns() - begin_ns, 10'000'000'000);
}

TEST(OpenAi, Fault80EachStallHasItsTimeLimit) {
  const ServerOptions limits{.connect_s = 5, .first_token_s = 0.2, .gap_s = 0.2};
  expect_error(ask([](ScriptedConnection& c, const std::string&) { c.hang(); }, chat(), limits), ErrorKind::timeout,
               "not even headers");
  expect_error(ask(
                   [](ScriptedConnection& c, const std::string&) {
                     c.headers();
                     c.send(": ping\n\n");
                     c.hang();
                   },
                   chat(), limits),
               ErrorKind::timeout, "did not begin");
  expect_error(ask(
                   [](ScriptedConnection& c, const std::string&) {
                     c.headers();
                     c.data(delta("a"));
                     c.hang();
                   },
                   chat(), limits),
               ErrorKind::timeout, "stalled");
}

TEST(OpenAi, Fault80PingsDoNotHideAStall) {
  const ServerOptions limits{.connect_s = 5, .first_token_s = 0.3, .gap_s = 0.3};
  expect_error(ask(
                   [](ScriptedConnection& c, const std::string&) {
                     c.headers();
                     c.data(delta("a"));
                     for (int i = 0; i < 100; ++i) {
                       std::this_thread::sleep_for(std::chrono::milliseconds(20));
                       c.send(": ping\n\n");
                     }
                   },
                   chat(), limits),
               ErrorKind::timeout, "stalled");
}

TEST(OpenAi, Fault81BrokenConnectionsFail) {
  const auto chunked = [](const std::string& chunk, bool reset) {
    return [=](ScriptedConnection& c, const std::string&) {
      c.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + chunk);
      if (reset) c.reset();
    };
  };
  const std::string piece = "data: " + delta("a") + "\n\n";
  expect_error(ask(chunked("40\r\n" + piece.substr(0, 20), false)), ErrorKind::network, "");
  expect_error(ask(chunked("40\r\n" + piece.substr(0, 20), true)), ErrorKind::network, "");
  expect_error(ask(chunked("ffffffffffffffffff\r\n" + piece, false)), ErrorKind::network, "");
  expect_error(ask(chunked("10000000000000000\r\n" + piece, false)), ErrorKind::network, "");
  expect_error(ask(chunked("zz\r\n" + piece, false)), ErrorKind::network, "");
}

TEST(OpenAi, Fault82LengthsThatLieRedirectsAndCompressionFail) {
  expect_error(ask(sends(stream(kAnswer, ""), "Content-Length: 100000\r\n")), ErrorKind::network, "");
  expect_error(ask(sends("", "Location: http://127.0.0.1:1/\r\n", "302 Found")), ErrorKind::network, "302");
  expect_error(ask(sends("\x1f\x8b\x08", "Content-Encoding: gzip\r\n")), ErrorKind::network, "compressed");
}

TEST(OpenAi, Fault84UsageMayBeAbsentNullOrOfAnotherType) {
  for (const std::string& last :
       {std::string(R"({"choices":[],"usage":null})"), std::string(R"({"choices":[],"usage":{"completion_tokens":"4"}})"),
        std::string(R"({"choices":[],"usage":{"completion_tokens":-4}})")}) {
    const Outcome outcome = ask(sends(stream({delta("a"), delta("b"), finish("length"), last})));
    ASSERT_FALSE(outcome.error) << outcome.error->message();
    EXPECT_EQ(outcome.done->output_tokens, 2);
    EXPECT_EQ(outcome.done->source, CountSource::events);
  }
}

TEST(OpenAi, Fault85CachedTokensAreTold) {
  const Outcome outcome = ask(sends(stream({delta("a"), finish("length"), usage(1, 8)})), chat(1));
  ASSERT_FALSE(outcome.error);
  EXPECT_EQ(outcome.done->cached_tokens, 8);
}

TEST(OpenAi, Fault86AnEarlyEosIsAStop) {
  Request request = chat(100);
  request.ignore_eos = true;
  const Outcome outcome = ask(sends(stream({delta("a"), finish("stop"), usage(2)})), request);
  ASSERT_FALSE(outcome.error);
  EXPECT_EQ(outcome.done->finish, FinishReason::stop);
  EXPECT_EQ(outcome.done->output_tokens, 2);
  EXPECT_EQ(outcome.done->event_tokens, (std::vector<int>{1, 1})) << "the EOS came with the end";
}

TEST(OpenAi, Fault87StatusesFailAtOnceWithTheServersWords) {
  for (const std::string& status : {std::string("401 Unauthorized"), std::string("404 Not Found"),
                                    std::string("429 Too Many Requests"), std::string("503 Service Unavailable")}) {
    int asked = 0;
    const Outcome outcome = ask([&](ScriptedConnection& c, const std::string&) {
      ++asked;
      c.headers("Retry-After: 0\r\n", status);
      c.send(R"({"error":{"message":"not for you"}})");
    });
    expect_error(outcome, ErrorKind::network, status.substr(0, 3) + ": not for you");
    EXPECT_EQ(asked, 1) << "no retry inside a timing";
  }
}

TEST(OpenAi, Fault88HugeLinesAndHeadersFail) {
  expect_error(ask(sends("data: " + std::string(100 << 20, 'x'))), ErrorKind::network, "longer than");
  expect_error(ask([](ScriptedConnection& c, const std::string&) {
                 c.send("HTTP/1.1 200 OK\r\n");
                 std::string lines;
                 for (int i = 0; i < 1000; ++i) lines += "X-Header: 1\r\n";
                 for (int i = 0; i < 1000; ++i) c.send(lines);
               }),
               ErrorKind::network, "");
}

TEST(OpenAi, Fault89AnotherModelInTheMiddleOrLaterFails) {
  expect_error(ask(sends(stream({delta("a", "m"), delta("b", "other"), finish("length")}))), ErrorKind::engine, "changed");
  int asked = 0;
  const ScriptedServer server([&](ScriptedConnection& c, const std::string&) {
    c.headers();
    c.send(
        stream({delta("a", ++asked == 1 ? "m" : "other"), R"({"choices":[{"delta":{},"finish_reason":"length"}]})", usage(1)}));
  });
  SteadyClock clock;
  const auto engine = make_openai_engine({.kind = "openai", .server = {.url = server.url()}}, clock);
  const auto model = engine->load({}, "x");
  Kept kept;
  (void)model->generate(chat(1), kept, {});
  EXPECT_THROW((void)model->generate(chat(1), kept, {}), Error);
}

TEST(OpenAi, AStopLeavesTheServer) {
  const ScriptedServer server([](ScriptedConnection& c, const std::string&) {
    c.headers();
    c.data(delta("a"));
    c.hang();
  });
  const StopSource source;
  std::thread later([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
    source.request_stop();
  });
  const Outcome outcome = ask({.url = server.url(), .gap_s = 30}, chat(), source.get_token());
  later.join();
  ASSERT_FALSE(outcome.error) << outcome.error->message();
  EXPECT_EQ(outcome.done->finish, FinishReason::cancelled);
}

TEST(OpenAi, StampsAreTheSends) {
  std::vector<int64_t> sent_ns;
  const Outcome outcome = ask(
      [&](ScriptedConnection& c, const std::string&) {
        c.headers();
        c.sent_ns.clear();
        for (int i = 0; i < 50; ++i) {
          std::this_thread::sleep_for(std::chrono::milliseconds(2));
          c.data(delta("x"));
        }
        sent_ns = c.sent_ns;
        c.send(stream({finish("length"), usage(50)}));
      },
      chat(50));
  ASSERT_FALSE(outcome.error) << outcome.error->message();
  std::vector<int64_t> late_ns;
  for (std::size_t i = 0; i < 50; ++i) {
    late_ns.push_back(outcome.kept.received_ns[i] - sent_ns[i]);
    EXPECT_GE(late_ns.back(), 0) << "nothing is received before it is sent";
  }
  // The median: a busy machine delays some, and METHOD's bounds are for a quiet one.
  std::nth_element(late_ns.begin(), late_ns.begin() + 25, late_ns.end());
  EXPECT_LT(late_ns[25], 1'500'000);
}

TEST(OpenAi, IPv6AndUnixSocketsServe) {
  const ScriptedServer six(sends(stream(kAnswer)), AF_INET6);
  expect_answer(ask({.url = six.url()}));
  const std::string path = ::testing::TempDir() + "ifm-scripted.sock";
  ::unlink(path.c_str());
  const ScriptedServer local(sends(stream(kAnswer)), AF_UNIX, path);
  expect_answer(ask({.url = "http://localhost", .socket = path}));
  ::unlink(path.c_str());
}

TEST(OpenAi, AProxyIsAskedForTheAddress) {
  const ScriptedServer proxy(sends(stream(kAnswer)));
  expect_answer(ask({.url = "http://192.0.2.1:9999", .proxy = proxy.url()}));
  EXPECT_TRUE(proxy.requests().back().starts_with("POST http://192.0.2.1:9999/v1/chat/completions"));
}

TEST(OpenAi, AServerThatIsNotThereAndWrongOptionsAreOneLine) {
  expect_error(ask({.url = "http://127.0.0.1:1"}), ErrorKind::network, "127.0.0.1:1");
  expect_error(ask({.url = "ftp://example.org"}), ErrorKind::usage, "http://");
  expect_error(ask(ServerOptions{}), ErrorKind::usage, "no server is named");
  expect_error(ask({.url = "http://127.0.0.1:1", .key_variable = "IFM_NO_SUCH_KEY"}), ErrorKind::usage, "IFM_NO_SUCH_KEY");
}

TEST(OpenAi, TheKeyIsSentAndNeverShown) {
  ::setenv("IFM_TEST_KEY", "sk-secret", 1);
  const ScriptedServer server(sends("{\"error\":\"bad key\"}", "", "401 Unauthorized"));
  const Outcome outcome = ask({.url = server.url(), .key_variable = "IFM_TEST_KEY"});
  EXPECT_NE(server.requests().back().find("Authorization: Bearer sk-secret"), std::string::npos);
  expect_error(outcome, ErrorKind::network, "bad key");
  EXPECT_EQ(outcome.error->message().find("sk-secret"), std::string::npos);
}

// ---- recorded: tests/golden/sse ----

std::string recorded(const std::string& name) {
  std::ifstream file(std::string(IFM_SOURCE_DIR) + "/tests/golden/sse/" + name + ".txt", std::ios::binary);
  const std::string all{std::istreambuf_iterator<char>(file), {}};
  return all.substr(all.find("<<<\n") + 4);
}

Outcome replay(const std::string& name, const Request& request) {
  return ask([name](ScriptedConnection& c, const std::string&) { c.send(recorded(name)); }, request);
}

Request raw(int max_tokens) {
  Request request = chat(max_tokens);
  request.form = PromptForm::raw;
  return request;
}

TEST(OpenAiRecorded, LlamaCppsChatHasOneTokenAnEventAndItsOwnTimings) {
  const Outcome outcome = replay("llamacpp_chat", chat(16));
  ASSERT_FALSE(outcome.error) << outcome.error->message();
  EXPECT_EQ(outcome.done->output_tokens, 16);
  EXPECT_EQ(outcome.done->prompt_tokens, 37);
  EXPECT_EQ(outcome.done->finish, FinishReason::length);
  ASSERT_TRUE(outcome.done->server);
  EXPECT_EQ(outcome.done->server->prefill_ns, 242'802'000);
  EXPECT_EQ(outcome.done->server->decode_tokens, 16);
  EXPECT_TRUE(outcome.kept.text.starts_with("L'É"));
  EXPECT_TRUE(outcome.done->flags.empty());
}

TEST(OpenAiRecorded, LlamaCppsCompletionsAreRead) {
  const Outcome outcome = replay("llamacpp_completions", raw(12));
  ASSERT_FALSE(outcome.error) << outcome.error->message();
  EXPECT_EQ(outcome.done->output_tokens, 12);
}

TEST(OpenAiRecorded, MlxLmsKeepAlivesAreNoTokensAndItsEventsHoldSeveral) {
  for (const char* name : {"mlx_chat_keepalive", "mlx_chat_logitbias_noeos", "mlx_completions"}) {
    const Outcome outcome = replay(name, chat(64));
    ASSERT_FALSE(outcome.error) << name << ": " << outcome.error->message();
    EXPECT_GE(outcome.done->output_tokens, 3) << name;
    int sum = 0;
    for (const int tokens : outcome.done->event_tokens) sum += tokens;
    EXPECT_EQ(sum, outcome.done->output_tokens) << name;
  }
  EXPECT_EQ(replay("mlx_completions", raw(12)).done->output_tokens, 12);
}

TEST(OpenAiRecorded, AStreamThatBreaksOffAfterItsFinishIsFlagged) {
  const Outcome outcome = replay("mlx_error_midstream", raw(2));
  ASSERT_FALSE(outcome.error) << outcome.error->message();
  EXPECT_EQ(outcome.done->flags, std::vector<std::string>{"no_end_marker"});
}

TEST(OpenAiRecorded, ErrorsAreTheServersWords) {
  expect_error(replay("llamacpp_error_400", chat()), ErrorKind::network, "400: Expected 'messages' to be an array");
  expect_error(replay("mlx_error_404", chat()), ErrorKind::network, "404: Not Found");
}

// ---- a server of ours ----

TEST(ManagedServer, AServerThatEndsAtOnceSaysItsLastWords) {
  expect_error(ask({.command = {"sh", "-c", "echo no such model >&2; exit 3"}}), ErrorKind::engine, "no such model");
  expect_error(ask({.command = {"ifm-no-such-program"}}), ErrorKind::not_found, "ifm-no-such-program");
}

TEST(ManagedServer, AServerThatIsNeverReadyIsGivenUp) {
  expect_error(ask({.command = {"sleep", "60"}, .ready_s = 0.3}), ErrorKind::timeout, "not ready");
}

TEST(ManagedServer, Fault99AForeignServerIsRefusedAndNotEnded) {
  const ScriptedServer foreign(sends(stream(kAnswer)));
  expect_error(ask({.url = foreign.url(), .command = {"sleep", "60"}}), ErrorKind::engine, "something else answers");
  expect_answer(ask({.url = foreign.url()}));
}

}  // namespace
}  // namespace ifm
