#include "inferometer/engine/step.h"

#include <vector>

namespace ifm {
namespace {

void evaluate_prompt(Llama& llama, Generation& generation) {
  generation.begin_prompt();
  llama.forward(generation.next_ids(), generation.sequence(), Phase::prefill, Logits::last,
                [&](int64_t, std::span<const float> logits) { generation.take(logits); });
  generation.end_step();
}

void decode(Llama& llama, std::span<Generation* const> generations) {
  std::vector<Continuation> batch;
  for (Generation* one : generations) batch.push_back({&one->sequence(), one->next_ids()});
  std::size_t index = 0;  // of the generation whose logits come
  std::size_t taken = 0;  // of its ids
  llama.forward(batch, Phase::decode, Logits::all, [&](int64_t, std::span<const float> logits) {
    if (taken == batch[index].ids.size()) {
      ++index;
      taken = 0;
    }
    generations[index]->take(logits);
    ++taken;
  });
  for (Generation* one : generations) one->end_step();
}

}  // namespace

void step(Llama& llama, std::span<Generation* const> generations) {
  std::vector<Generation*> begun;
  for (Generation* one : generations) {
    if (one->at_prompt()) {
      evaluate_prompt(llama, *one);
    } else {
      begun.push_back(one);
    }
  }
  if (!begun.empty()) decode(llama, begun);
}

}  // namespace ifm
