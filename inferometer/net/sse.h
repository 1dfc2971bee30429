#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

namespace ifm {

/// One event of a text/event-stream.
struct SseEvent {
  std::string_view type;   ///< "" where the server gave none
  std::string_view data;   ///< lines of `data:`, joined by line feeds
  std::string_view stray;  ///< lines that are no field of the format, as they came: what a server says outside of it is an error
};

/// Reads a text/event-stream in pieces of any size. Lines end with LF, CR or CRLF, and with nothing else; a byte-order mark in
/// front is skipped; comments (`: ping`) are counted and otherwise ignored; `id:` and `retry:` mean nothing here. Source: WHATWG
/// HTML, 9.2.6 "Interpreting an event stream".
class SseParser {
 public:
  static constexpr std::size_t kMaxLineBytes = std::size_t{4} << 20U;
  static constexpr std::size_t kMaxEventBytes = std::size_t{16} << 20U;

  /// `each` is called for each event that these bytes complete; what it is given is valid during the call.
  /// @throws Error network for a line or an event beyond the limits.
  void push(std::string_view bytes, const std::function<void(const SseEvent&)>& each);
  /// What lies in an event that its server did not finish; such an event does not count, but may hold an error's text.
  [[nodiscard]] std::string unfinished() const;
  [[nodiscard]] int64_t comments() const { return comments_; }

 private:
  void take_line(std::string_view line, const std::function<void(const SseEvent&)>& each);
  void dispatch(const std::function<void(const SseEvent&)>& each);

  std::string line_;  // of which the end has not come
  std::string type_, data_, stray_;
  bool has_data_ = false;
  bool after_cr_ = false;  // a line feed now belongs to the carriage return before it
  bool at_start_ = true;
  int64_t comments_ = 0;
};

}  // namespace ifm
