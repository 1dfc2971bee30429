#include <fcntl.h>
#include <sys/mman.h>

#include "inferometer/machine/page_cache_os.h"

namespace ifm {

bool ask_residency(void* mapping, std::size_t bytes, unsigned char* in_cache) { return mincore(mapping, bytes, in_cache) == 0; }

bool forget_pages(int descriptor) { return posix_fadvise(descriptor, 0, 0, POSIX_FADV_DONTNEED) == 0; }

}  // namespace ifm
