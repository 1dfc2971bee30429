#include "fuzz_input.h"
#include "inferometer/text/tokenizer.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  ifm::fuzz_file(data, size, "tokenizer.json", [](const auto& path) {
    const ifm::Tokenizer tokenizer = ifm::Tokenizer::from_file(path);
    (void)tokenizer.decode(tokenizer.encode("The 12 quick\n\xC3\xA9\xFF <|x|>"));
  });
  return 0;
}
