// For the live comparison with peers (tools/peers/live_tokenizer.py); not installed.
// dump_ids MODEL: reads strings (u32 length, bytes) from standard input; writes for each (u32 count, u32 ids, u32 1 when decoding
// the ids gives the string back, else 0). Host byte order.
#include <cstdint>
#include <cstdio>
#include <exception>
#include <string>
#include <vector>

#include "inferometer/base/error.h"
#include "inferometer/format/checkpoint.h"
#include "inferometer/text/model_text.h"

namespace {

/// False at the end of the input.
bool read_string(std::string& out) {
  uint32_t length = 0;
  if (std::fread(&length, sizeof length, 1, stdin) != 1) return false;
  out.resize(length);
  if (std::fread(out.data(), 1, length, stdin) != length) ifm::fail(ifm::ErrorKind::io, "standard input: ends inside a string");
  return true;
}

int run(const std::vector<std::string>& arguments) {
  if (arguments.size() != 2) ifm::fail(ifm::ErrorKind::usage, "usage: dump_ids MODEL < strings");
  const ifm::ModelText text = ifm::ModelText::open(ifm::Checkpoint::open(arguments[1]));
  for (std::string string; read_string(string);) {
    const std::vector<ifm::TokenId> ids = text.tokenizer.encode(string, ifm::SpecialText::plain);
    std::vector<uint32_t> out{static_cast<uint32_t>(ids.size())};
    for (const ifm::TokenId id : ids) out.push_back(static_cast<uint32_t>(id));
    out.push_back(text.tokenizer.decode(ids) == string ? 1 : 0);
    if (std::fwrite(out.data(), sizeof(uint32_t), out.size(), stdout) != out.size()) {
      ifm::fail(ifm::ErrorKind::io, "standard output: write failed");
    }
  }
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return run({argv, argv + argc});
  } catch (const std::exception& error) {
    std::fprintf(stderr, "dump_ids: %s\n", error.what());
    return 1;
  }
}
