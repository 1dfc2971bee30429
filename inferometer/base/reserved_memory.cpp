#include "inferometer/base/reserved_memory.h"

#include <sys/mman.h>

#include <limits>

#include "inferometer/base/check.h"
#include "inferometer/base/error.h"

namespace ifm {
namespace {

constexpr std::size_t kHugePage = std::size_t{2} << 20;

}  // namespace

ReservedMemory::ReservedMemory(int64_t bytes) {
  IFM_CHECK(bytes > 0 && static_cast<std::size_t>(bytes) < std::numeric_limits<std::size_t>::max() - kHugePage);
  mapped_bytes_ = static_cast<std::size_t>(bytes) + kHugePage;
  mapping_ = mmap(nullptr, mapped_bytes_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (mapping_ == MAP_FAILED) fail(ErrorKind::resource, "memory: {} MiB cannot be reserved", bytes >> 20);
  const auto address = reinterpret_cast<std::uintptr_t>(mapping_);
  data_ = static_cast<std::byte*>(mapping_) + (kHugePage - address % kHugePage) % kHugePage;
#if defined(MADV_HUGEPAGE)
  (void)madvise(data_, static_cast<std::size_t>(bytes), MADV_HUGEPAGE);  // a wish: without it there are small pages
#endif
}

ReservedMemory::~ReservedMemory() { munmap(mapping_, mapped_bytes_); }

}  // namespace ifm
