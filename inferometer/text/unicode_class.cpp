#include "inferometer/text/unicode_class.h"

#include <algorithm>
#include <array>

#include "inferometer/text/unicode_table.h"

namespace ifm {
namespace {

UnicodeClass look_up(char32_t code) {
  const auto ranges = unicode_ranges();
  const auto after =
      std::upper_bound(ranges.begin(), ranges.end(), code, [](char32_t c, const UnicodeRange& r) { return c < r.first; });
  if (after == ranges.begin()) return UnicodeClass::other;
  const UnicodeRange& range = *(after - 1);
  return code <= range.last ? range.kind : UnicodeClass::other;
}

/// Latin, Greek, Cyrillic, Hebrew and Arabic without a search.
std::array<UnicodeClass, 0x800> make_direct() {
  std::array<UnicodeClass, 0x800> direct{};
  for (char32_t code = 0; code < direct.size(); ++code) direct[code] = look_up(code);
  return direct;
}

}  // namespace

UnicodeClass unicode_class(char32_t code) {
  static const std::array<UnicodeClass, 0x800> direct = make_direct();
  return code < direct.size() ? direct[code] : look_up(code);
}

}  // namespace ifm
