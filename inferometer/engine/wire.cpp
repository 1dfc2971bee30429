#include "inferometer/engine/wire.h"

#include <optional>

namespace ifm {
namespace {

using nlohmann::json;

template <typename T>
json nullable(const std::optional<T>& value) {
  return value ? json(*value) : json();
}

template <typename T>
std::optional<T> optional_at(const json& object, const char* key) {
  const json& value = object.at(key);
  return value.is_null() ? std::nullopt : std::optional<T>(value.get<T>());
}

}  // namespace

json to_wire(const Request& request) {
  json messages = json::array();
  for (const PromptMessage& m : request.messages) messages.push_back({{"role", m.role}, {"content", m.content}});
  const SamplingParams& s = request.sampling;
  return {{"raw", request.form == PromptForm::raw},
          {"messages", messages},
          {"max_tokens", request.max_tokens},
          {"ignore_eos", request.ignore_eos},
          {"stop", request.stop},
          {"temperature", s.temperature},
          {"top_k", s.top_k},
          {"top_p", s.top_p},
          {"min_p", s.min_p},
          {"repetition_penalty", s.repetition_penalty},
          {"presence_penalty", s.presence_penalty},
          {"frequency_penalty", s.frequency_penalty},
          {"seed", s.seed}};
}

Request request_from_wire(const json& j) {
  Request request;
  request.form = j.at("raw").get<bool>() ? PromptForm::raw : PromptForm::chat;
  for (const json& m : j.at("messages"))
    request.messages.push_back({m.at("role").get<std::string>(), m.at("content").get<std::string>()});
  j.at("max_tokens").get_to(request.max_tokens);
  j.at("ignore_eos").get_to(request.ignore_eos);
  j.at("stop").get_to(request.stop);
  SamplingParams& s = request.sampling;
  j.at("temperature").get_to(s.temperature);
  j.at("top_k").get_to(s.top_k);
  j.at("top_p").get_to(s.top_p);
  j.at("min_p").get_to(s.min_p);
  j.at("repetition_penalty").get_to(s.repetition_penalty);
  j.at("presence_penalty").get_to(s.presence_penalty);
  j.at("frequency_penalty").get_to(s.frequency_penalty);
  j.at("seed").get_to(s.seed);
  return request;
}

json to_wire(const Completion& c) {
  json speculated;
  if (const auto& s = c.speculated) {
    speculated = {{"drafted_tokens", s->drafted_tokens}, {"accepted_tokens", s->accepted_tokens}, {"steps", s->steps}};
  }
  return {{"start_ns", c.start_ns},
          {"end_ns", c.end_ns},
          {"prefill_begin_ns", nullable(c.prefill_begin_ns)},
          {"prefill_end_ns", nullable(c.prefill_end_ns)},
          {"prompt_tokens", c.prompt_tokens},
          {"cached_tokens", c.cached_tokens},
          {"output_tokens", c.output_tokens},
          {"source", static_cast<int>(c.source)},
          {"finish", static_cast<int>(c.finish)},
          {"speculated", speculated}};
}

Completion completion_from_wire(const json& j) {
  Completion c;
  j.at("start_ns").get_to(c.start_ns);
  j.at("end_ns").get_to(c.end_ns);
  c.prefill_begin_ns = optional_at<int64_t>(j, "prefill_begin_ns");
  c.prefill_end_ns = optional_at<int64_t>(j, "prefill_end_ns");
  j.at("prompt_tokens").get_to(c.prompt_tokens);
  j.at("cached_tokens").get_to(c.cached_tokens);
  j.at("output_tokens").get_to(c.output_tokens);
  c.source = static_cast<CountSource>(j.at("source").get<int>());
  c.finish = static_cast<FinishReason>(j.at("finish").get<int>());
  // Another build's worker may be older.
  if (const auto s = j.find("speculated"); s != j.end() && !s->is_null()) {
    c.speculated = {.drafted_tokens = s->at("drafted_tokens").get<int>(),
                    .accepted_tokens = s->at("accepted_tokens").get<int>(),
                    .steps = s->at("steps").get<int>()};
  }
  return c;
}

json to_wire(const ModelInfo& i) {
  return {{"name", i.name},
          {"path", i.path.string()},
          {"architecture", i.architecture},
          {"quantization", i.quantization},
          {"isa", i.isa},
          {"accuracy", i.accuracy},
          {"engine_version", i.engine_version},
          {"threads", i.threads},
          {"context", i.context},
          {"weight_bytes", nullable(i.weight_bytes)},
          {"parameters", nullable(i.parameters)},
          {"bytes_per_token", nullable(i.bytes_per_token)},
          {"cache_bytes_per_position", nullable(i.cache_bytes_per_position)},
          {"macs_per_token", nullable(i.macs_per_token)},
          {"head_macs", nullable(i.head_macs)},
          {"attention_macs_per_position", nullable(i.attention_macs_per_position)},
          {"logits_only_macs", nullable(i.logits_only_macs)},
          {"logits_only_attention_macs_per_position", nullable(i.logits_only_attention_macs_per_position)}};
}

ModelInfo info_from_wire(const json& j) {
  ModelInfo i;
  j.at("name").get_to(i.name);
  i.path = j.at("path").get<std::string>();
  j.at("architecture").get_to(i.architecture);
  j.at("quantization").get_to(i.quantization);
  j.at("isa").get_to(i.isa);
  j.at("accuracy").get_to(i.accuracy);
  i.engine_version = j.value("engine_version", "");  // another build's worker may be older
  j.at("threads").get_to(i.threads);
  j.at("context").get_to(i.context);
  i.weight_bytes = optional_at<int64_t>(j, "weight_bytes");
  i.parameters = optional_at<int64_t>(j, "parameters");
  i.bytes_per_token = optional_at<int64_t>(j, "bytes_per_token");
  i.cache_bytes_per_position = optional_at<int64_t>(j, "cache_bytes_per_position");
  i.macs_per_token = optional_at<int64_t>(j, "macs_per_token");
  i.head_macs = optional_at<int64_t>(j, "head_macs");
  i.attention_macs_per_position = optional_at<int64_t>(j, "attention_macs_per_position");
  i.logits_only_macs = optional_at<int64_t>(j, "logits_only_macs");
  i.logits_only_attention_macs_per_position = optional_at<int64_t>(j, "logits_only_attention_macs_per_position");
  return i;
}

json to_wire(const EngineOptions& o) {
  return {{"kind", o.inner},
          {"threads", o.threads},
          {"accuracy", to_string(o.accuracy)},
          {"context", o.context},
          {"isa", o.isa},
          {"speculate", to_string(o.speculation)},
          {"cache_type", o.cache_type},
          {"flash_attention", nullable(o.flash_attention)},
          {"device", o.device}};
}

EngineOptions options_from_wire(const json& j) {
  EngineOptions o;
  j.at("threads").get_to(o.threads);
  o.accuracy = j.at("accuracy").get<std::string>() == "exact" ? Accuracy::exact : Accuracy::fast;
  j.at("context").get_to(o.context);
  j.at("isa").get_to(o.isa);
  // Another build's parent may be older.
  if (j.value("speculate", "off") == "lookup") o.speculation = Speculation::lookup;
  o.kind = j.value("kind", o.kind);
  o.cache_type = j.value("cache_type", o.cache_type);
  if (j.contains("flash_attention")) o.flash_attention = optional_at<bool>(j, "flash_attention");
  o.device = j.value("device", o.device);
  return o;
}

}  // namespace ifm
