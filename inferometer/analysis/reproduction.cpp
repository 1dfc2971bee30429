#include "inferometer/analysis/reproduction.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "inferometer/analysis/claims.h"
#include "inferometer/analysis/comparison_parts.h"
#include "inferometer/analysis/session_change.h"

namespace ifm {
namespace {

/// Everything that is otherwise, but for the machine itself.
std::vector<std::string> other_circumstances(const Session& then, const Session& now) {
  std::vector<std::string> differs;
  const auto differ = [&](const std::string& what, const std::string& a, const std::string& b) {
    if (a != b) differs.push_back(fmt::format("{}: {} then, {} now", what, a.empty() ? "unknown" : a, b.empty() ? "unknown" : b));
  };
  const Environment& a = then.environment;
  const Environment& b = now.environment;
  differ("Inferometer", fmt::format("{} ({})", a.inferometer_version, a.inferometer_commit),
         fmt::format("{} ({})", b.inferometer_version, b.inferometer_commit));
  differ("compiler", a.compiler + " " + a.compiler_flags, b.compiler + " " + b.compiler_flags);
  differ("kernel", a.kernel, b.kernel);
  differ("governor", a.governor, b.governor);
  differ("boost", a.boost, b.boost);
  differ("power", a.power_source, b.power_source);
  for (const SessionModel& before : then.models) {
    const SessionModel* after = loaded_as(now.models, before.engine, before.model);
    if (after == nullptr) continue;
    const std::string of = before.engine + " · " + before.model + ", ";
    differ(of + "version", before.engine_version, after->engine_version);
    differ(of + "instruction set", before.isa, after->isa);
    differ(of + "accuracy", before.accuracy, after->accuracy);
    differ(of + "threads", fmt::format("{}", before.threads), fmt::format("{}", after->threads));
  }
  return differs;
}

Held verdict_of(const std::vector<Claim>& claims) {
  const auto any = [&](Held held) { return std::ranges::any_of(claims, [held](const Claim& c) { return c.held == held; }); };
  if (any(Held::no)) return Held::no;
  return any(Held::undecided) || !any(Held::yes) ? Held::undecided : Held::yes;
}

}  // namespace

const char* to_string(Held held) {
  switch (held) {
    case Held::yes:
      return "held";
    case Held::no:
      return "did not hold";
    case Held::undecided:
      return "undecided";
    case Held::not_asked:
      return "not asked";
  }
  return "";
}

std::vector<std::string> other_weights(const std::vector<SessionModel>& then, const std::vector<SessionModel>& now) {
  std::vector<std::string> others;
  for (const SessionModel& before : then) {
    const SessionModel* after = loaded_as(now, before.engine, before.model);
    if (after == nullptr || before.hash.empty() || after->hash.empty() || before.hash == after->hash) continue;
    others.push_back(fmt::format("{}: other weights ({} then, {} now)", before.model, before.hash, after->hash));
  }
  return others;
}

Reproduction check_reproduction(const RecordedSession& then, const RecordedSession& now, std::optional<double> tolerance) {
  Reproduction found;
  if (then.session.plan.hash != now.session.plan.hash) {
    found.impossible.push_back(fmt::format("another plan: {} ({}) then, {} ({}) now", then.session.plan.name,
                                           then.session.plan.hash.substr(0, 12), now.session.plan.name,
                                           now.session.plan.hash.substr(0, 12)));
  }
  for (std::string& weights : other_weights(then.session.models, now.session.models))
    found.impossible.push_back(std::move(weights));
  found.differs = other_machine(then.session.environment, now.session.environment);
  found.same_machine = found.differs.empty();
  for (std::string& other : other_circumstances(then.session, now.session)) found.differs.push_back(std::move(other));
  if (!found.impossible.empty()) return found;
  found.claims = claims_of(then, now, found.same_machine, tolerance);
  const BlockPaces a = block_paces(then.blocks);
  const BlockPaces b = block_paces(now.blocks);
  if (!a.empty() && !b.empty()) {
    const auto mean = [](const BlockPaces& paces) {
      double sum = 0;
      for (const auto& [block, pace] : paces) sum += pace / static_cast<double>(paces.size());
      return sum;
    };
    found.pace_change = mean(b) - mean(a);
  }
  found.verdict = verdict_of(found.claims);
  return found;
}

}  // namespace ifm
