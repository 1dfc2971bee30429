#include <cstdlib>

#include <algorithm>
#include <new>

#include <utf8proc.h>

#include "inferometer/base/check.h"
#include "inferometer/text/tokenizer_parts.h"

namespace ifm {

std::string to_nfc(std::string_view text) {
  // Everything below U+0300 (lead bytes up to 0xCB) is its own normal form.
  if (std::none_of(text.begin(), text.end(), [](char c) { return static_cast<uint8_t>(c) >= 0xCC; })) return std::string(text);
  utf8proc_uint8_t* mapped = nullptr;
  const auto flags = static_cast<utf8proc_option_t>(UTF8PROC_STABLE | UTF8PROC_COMPOSE);
  const utf8proc_ssize_t size = utf8proc_map(reinterpret_cast<const utf8proc_uint8_t*>(text.data()),
                                             static_cast<utf8proc_ssize_t>(text.size()), &mapped, flags);
  if (size == UTF8PROC_ERROR_NOMEM) throw std::bad_alloc();
  IFM_CHECK(size >= 0);
  const std::unique_ptr<utf8proc_uint8_t, decltype(&std::free)> owner(mapped, &std::free);
  return std::string(reinterpret_cast<const char*>(mapped), static_cast<std::size_t>(size));
}

}  // namespace ifm
