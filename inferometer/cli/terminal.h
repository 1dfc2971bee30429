#pragma once

#include <cstdint>
#include <cstdio>
#include <string>
#include <string_view>

namespace ifm {

/// Whether a stream ends on a terminal that a person looks at.
[[nodiscard]] bool is_terminal(std::FILE* stream);
/// Columns of the terminal behind a stream; 80 where there is none.
[[nodiscard]] int terminal_width(std::FILE* stream);
/// Whether a line can be drawn again over itself: a terminal that is not "dumb".
[[nodiscard]] bool can_redraw(std::FILE* stream);
/// Whether colours are welcome: such a terminal, and NO_COLOR not set (https://no-color.org).
[[nodiscard]] bool use_colour(std::FILE* stream);
/// Model text made harmless for a terminal: control characters other than newline and tab (ANSI escapes, C1 codes and
/// direction overrides among them) become visible escapes such as "\x1b" or "\u202e". Broken UTF-8 becomes U+FFFD.
[[nodiscard]] std::string printable(std::string_view text);
/// A line of progress: to standard error, so that standard output stays what programs read.
void say(std::string_view line);
/// "12 s", "3 min 05 s", "1 h 02 min".
[[nodiscard]] std::string format_duration(double seconds);

/// Where long work stands: one line that renews itself on a terminal, with the time left; elsewhere a line at the
/// start of each tenth of the work at most, so that a log stays short. Not thread-safe. Writes to standard error.
class ProgressBar {
 public:
  /// `total`: units of work, > 0; `label`: what is being done ("run", "pull smollm2-135m").
  ProgressBar(int64_t total, std::string label, std::FILE* stream = stderr);
  /// Leaves the line as finish() does when that was not called (an error is on its way).
  ~ProgressBar();
  ProgressBar(const ProgressBar&) = delete;
  ProgressBar& operator=(const ProgressBar&) = delete;

  /// `done` units of the total are finished; `note`: what is at work now, shown as far as it fits. Cheap: draws at most
  /// ten times a second.
  void update(int64_t done, std::string_view note = {});
  /// As update(), with a better knowledge of the time that is left.
  void update(int64_t done, std::string_view note, double seconds_left);
  /// Ends the line and says how long it took: "done in 3 s"; what else than done: "interrupted after".
  void finish(std::string_view how = "done in");

 private:
  void draw(int64_t done, std::string_view note, double seconds_left);

  int64_t total_;
  std::string label_;
  std::FILE* stream_;
  bool live_;
  bool finished_ = false;
  int64_t start_ns_;
  int64_t last_draw_ns_ = 0;
  int64_t last_tenth_ = -1;
  bool drawn_ = false;
};

}  // namespace ifm
