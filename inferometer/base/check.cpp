#include "inferometer/base/check.h"

#include <cstdio>
#include <cstdlib>

namespace ifm {

void report_bug(const char* condition, const char* file, int line) {
  std::fprintf(stderr, "inferometer: a bug in Inferometer: %s does not hold at %s:%d\n", condition, file, line);
  std::fflush(stderr);
  std::_Exit(70);
}

}  // namespace ifm
