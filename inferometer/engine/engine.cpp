#include "inferometer/engine/engine.h"

#include "inferometer/base/error.h"

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

void Evaluator::prefill_sequence(int sequence, std::span<const TokenId> ids) {
  if (sequence != 0) fail(ErrorKind::unsupported, "evaluation: this engine has one sequence (got number {})", sequence);
  prefill(ids);
}

void Evaluator::step_together(std::span<const TokenId> ids) {
  if (ids.size() != 1) fail(ErrorKind::unsupported, "evaluation: this engine has one sequence (got ids for {})", ids.size());
  step(ids.front());
}

std::vector<Completion> Model::generate_many(std::span<const Job> jobs) {
  std::vector<Completion> done;
  for (const Job& job : jobs) done.push_back(generate(*job.request, *job.sink, job.stop));
  return done;
}

const char* to_string(Speculation speculation) { return speculation == Speculation::lookup ? "lookup" : "off"; }

}  // namespace ifm
