#include <string>
#include <string_view>

#include "counting_sink.h"
#include "fuzz_input.h"
#include "inferometer/base/error.h"
#include "inferometer/engine/openai_stream.h"
#include "inferometer/net/sse.h"

namespace {

/// What a stream cut into pieces of `size` bytes says in the end: its text, or the error.
std::string outcome(std::string_view bytes, std::size_t size) {
  ifm::CountingSink sink;
  ifm::SseParser parser;
  ifm::OpenAiStream stream(sink);
  try {
    for (std::size_t at = 0; at < bytes.size(); at += size) {
      parser.push(bytes.substr(at, size), [&](const ifm::SseEvent& event) { stream.take(event, 1); });
    }
    stream.end(parser.unfinished());
  } catch (const ifm::Error& error) {
    return "error: " + error.message();
  }
  return stream.text();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 2) return 0;
  const std::string_view bytes = ifm::text_of(data + 1, size - 1);
  // However the network cuts it, a stream means the same.
  if (outcome(bytes, bytes.size()) != outcome(bytes, 1 + data[0] % 32)) __builtin_trap();
  return 0;
}
