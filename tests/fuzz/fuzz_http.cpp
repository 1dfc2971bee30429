// Everything that a server sends: the input is the bytes of its answer, status line to end, of which a request becomes tokens or
// an error.
#include <string>
#include <string_view>

#include "counting_sink.h"
#include "fuzz_input.h"
#include "inferometer/base/check.h"
#include "inferometer/base/clock.h"
#include "inferometer/engine/openai.h"
#include "inferometer/net/scripted_server.h"

namespace {

using namespace ifm;

/// A server that answers each request with `answer` and hangs up.
struct Server {
  std::string answer;
  std::string socket = fuzz_folder() / "socket";
  ScriptedServer server{[this](ScriptedConnection& connection, const std::string&) { connection.send(answer); }, AF_UNIX, socket};
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static Server server;
  server.answer = text_of(data, size);
  SteadyClock clock;
  const ServerOptions options{.url = "http://localhost", .socket = server.socket, .first_token_s = 0.5, .gap_s = 0.5};
  const auto model = make_openai_engine({.kind = "openai", .server = options}, clock)->load({}, "some-model");
  Request request;
  request.messages = {{"user", "hi"}};
  request.max_tokens = 4;
  CountingSink sink;
  fuzz([&] { (void)model->generate(request, sink, {}); });
  // Compression was not asked for, so no answer grows (JSON's shortest escapes are longer than what they stand for).
  IFM_CHECK(sink.bytes <= size);
  return 0;
}
