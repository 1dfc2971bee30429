// Runs a fuzz target on files, and on truncated prefixes of each (what a campaign grew stands for itself: it holds such
// prefixes): keeps the targets building and their corpora passing where there is no libFuzzer.
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

namespace {

std::vector<uint8_t> read(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

}  // namespace

int main(int argc, char** argv) {
  int inputs = 0;
  for (int i = 1; i < argc; ++i) {
    const bool grown = std::filesystem::path(argv[i]).parent_path().filename() == "grown";
    for (const auto& entry : std::filesystem::directory_iterator(argv[i])) {
      const std::vector<uint8_t> bytes = read(entry.path());
      const std::size_t step = bytes.size() / 200 + 1;
      for (std::size_t size = 0; size < bytes.size() && !grown; size += step) LLVMFuzzerTestOneInput(bytes.data(), size);
      LLVMFuzzerTestOneInput(bytes.data(), bytes.size());
      ++inputs;
    }
  }
  std::printf("%d inputs: no crash\n", inputs);
  return inputs > 0 ? 0 : 1;
}
