#include <sys/mman.h>

#include "inferometer/machine/page_cache_os.h"

namespace ifm {

bool ask_residency(void* mapping, std::size_t bytes, unsigned char* in_cache) {
  // mincore of macOS wants char and sets further bits; the lowest means the same.
  return mincore(mapping, bytes, reinterpret_cast<char*>(in_cache)) == 0;
}

bool forget_pages(int /*descriptor*/) { return false; }  // only the superuser's `purge`, for all files at once

}  // namespace ifm
