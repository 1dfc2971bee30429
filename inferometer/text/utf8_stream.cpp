#include "inferometer/text/utf8_stream.h"

#include "inferometer/text/utf8.h"

namespace ifm {
namespace {

constexpr std::string_view kReplacement = "\xEF\xBF\xBD";

}  // namespace

std::string Utf8Stream::push(std::string_view bytes) {
  held_.append(bytes);
  std::string out;
  out.reserve(held_.size());
  std::size_t position = 0;
  while (position < held_.size()) {
    const Utf8Char c = decode_utf8(held_, position);
    if (c.truncated) break;
    out.append(c.valid ? std::string_view(held_).substr(position, c.size) : kReplacement);
    position += c.size;
  }
  held_.erase(0, position);
  return out;
}

std::string Utf8Stream::finish() {
  // What is held back is always one incomplete character, hence one maximal subpart.
  std::string out(held_.empty() ? std::string_view() : kReplacement);
  held_.clear();
  return out;
}

}  // namespace ifm
