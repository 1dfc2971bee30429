#include "inferometer/engine/engine.h"

namespace ifm {

const char* to_string(CountSource source) {
  switch (source) {
    case CountSource::engine:
      return "engine";
    case CountSource::usage:
      return "usage";
    case CountSource::tokenizer:
      return "tokenizer";
    case CountSource::events:
      return "events";
  }
  return "unknown";
}

const char* to_string(FinishReason reason) {
  switch (reason) {
    case FinishReason::stop:
      return "stop";
    case FinishReason::length:
      return "length";
    case FinishReason::cancelled:
      return "cancelled";
  }
  return "unknown";
}

const char* to_string(Speculation speculation) { return speculation == Speculation::lookup ? "lookup" : "off"; }

}  // namespace ifm
