#include "inferometer/base/error.h"

namespace ifm {

const char* to_string(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::usage:
      return "usage";
    case ErrorKind::not_found:
      return "not_found";
    case ErrorKind::invalid_data:
      return "invalid_data";
    case ErrorKind::unsupported:
      return "unsupported";
    case ErrorKind::io:
      return "io";
    case ErrorKind::resource:
      return "resource";
    case ErrorKind::engine:
      return "engine";
    case ErrorKind::network:
      return "network";
    case ErrorKind::timeout:
      return "timeout";
    case ErrorKind::interrupted:
      return "interrupted";
    case ErrorKind::incomparable:
      return "incomparable";
    case ErrorKind::inconclusive:
      return "inconclusive";
  }
  return "unknown";
}

}  // namespace ifm
