#include "fuzz_input.h"
#include "inferometer/format/gguf.h"
#include "inferometer/text/tokenizer.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  ifm::fuzz_file(data, size, "x.gguf", [](const auto& path) {
    const ifm::Tokenizer tokenizer = ifm::Tokenizer::from_gguf(ifm::GgufFile::open(path));
    (void)tokenizer.decode(tokenizer.encode("The 12 quick\n\xC3\xA9\xFF <eos>"));
  });
  return 0;
}
