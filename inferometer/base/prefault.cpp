#include "inferometer/base/prefault.h"

#include <algorithm>
#include <cstdint>
#include <utility>

#include <sys/mman.h>
#include <unistd.h>

namespace ifm {
namespace {

#ifdef MADV_POPULATE_READ  // Linux 5.14
/// Done at a time, so that nobody waits long for the end.
constexpr std::size_t kPiece = std::size_t{16} << 20;

/// Whether all these whole pages are in the page cache.
bool resident(void* begin, std::size_t bytes, std::size_t page) {
  std::vector<unsigned char> pages((bytes + page - 1) / page);
  if (mincore(begin, bytes, pages.data()) != 0) return false;
  return std::ranges::all_of(pages, [](unsigned char flags) { return (flags & 1) != 0; });
}

void prefault(const StopToken& stop, std::span<const std::byte> left) {
  const auto page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
  while (!left.empty() && !stop.stop_requested()) {
    const std::span<const std::byte> piece = left.first(std::min(kPiece, left.size()));
    left = left.subspan(piece.size());
    const std::size_t before = reinterpret_cast<std::uintptr_t>(piece.data()) % page;  // of the first page
    void* begin = const_cast<std::byte*>(piece.data()) - before;
    // A failure is no error: the pages come when they are read.
    if (resident(begin, before + piece.size(), page)) (void)madvise(begin, before + piece.size(), MADV_POPULATE_READ);
  }
}
#else
void prefault(const StopToken&, std::span<const std::byte>) {}
#endif

}  // namespace

Prefault::Prefault(std::vector<std::span<const std::byte>> mappings)
    : thread_([mapped = std::move(mappings), stop = source_.get_token()] {
        for (const std::span<const std::byte> mapping : mapped) prefault(stop, mapping);
      }) {}

Prefault::~Prefault() {
  source_.request_stop();
  if (thread_.joinable()) thread_.join();
}

}  // namespace ifm
