#include "inferometer/net/sse.h"

#include "inferometer/base/error.h"

namespace ifm {
namespace {

constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

}  // namespace

void SseParser::push(std::string_view bytes, const std::function<void(const SseEvent&)>& each) {
  while (!bytes.empty()) {
    if (after_cr_ && bytes.front() == '\n') bytes.remove_prefix(1);
    after_cr_ = false;
    const std::size_t end = bytes.find_first_of("\r\n");
    const std::string_view part = bytes.substr(0, end);
    if (line_.size() + part.size() > kMaxLineBytes) {
      fail(ErrorKind::network, "server: a line of its event stream is longer than {} bytes", kMaxLineBytes);
    }
    if (end == std::string_view::npos) {
      line_ += part;
      return;
    }
    after_cr_ = bytes[end] == '\r';
    bytes.remove_prefix(end + 1);
    if (line_.empty()) {
      take_line(part, each);
    } else {
      line_ += part;
      take_line(line_, each);
      line_.clear();
    }
  }
}

void SseParser::take_line(std::string_view line, const std::function<void(const SseEvent&)>& each) {
  if (at_start_ && line.starts_with(kByteOrderMark)) line.remove_prefix(kByteOrderMark.size());
  at_start_ = false;
  if (line.empty()) return dispatch(each);
  if (line.front() == ':') {
    ++comments_;
    return;
  }
  const std::size_t colon = line.find(':');
  const std::string_view field = line.substr(0, colon);
  std::string_view value = colon == std::string_view::npos ? std::string_view() : line.substr(colon + 1);
  if (value.starts_with(' ')) value.remove_prefix(1);
  if (field == "data") {
    if (has_data_) data_ += '\n';
    data_ += value;
    has_data_ = true;
  } else if (field == "event") {
    type_ = value;
  } else if (field != "id" && field != "retry") {
    if (!stray_.empty()) stray_ += '\n';
    stray_ += line;
  }
  if (data_.size() + stray_.size() > kMaxEventBytes) {
    fail(ErrorKind::network, "server: an event of its stream is longer than {} bytes", kMaxEventBytes);
  }
}

void SseParser::dispatch(const std::function<void(const SseEvent&)>& each) {
  const SseEvent event{type_, data_, stray_};
  if (has_data_ || !stray_.empty()) each(event);
  type_.clear();
  data_.clear();
  stray_.clear();
  has_data_ = false;
}

std::string SseParser::unfinished() const {
  std::string all = stray_;
  for (const std::string& part : {data_, line_}) {
    if (!part.empty() && !all.empty()) all += '\n';
    all += part;
  }
  return all;
}

}  // namespace ifm
