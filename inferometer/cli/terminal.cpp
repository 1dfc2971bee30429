#include "inferometer/cli/terminal.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdlib>
#include <utility>

#include <fmt/format.h>

#include "inferometer/base/check.h"
#include "inferometer/base/clock.h"

namespace ifm {
namespace {

constexpr int64_t kRedrawNs = 100'000'000;
constexpr double kUnknownTime = -1;

/// The character that starts at text[at]: its code point and length, or length 1 and U+FFFD where the bytes are broken.
struct Decoded {
  char32_t code = 0xFFFD;
  std::size_t length = 1;
};

Decoded decode_at(std::string_view text, std::size_t at) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char lead = byte(at);
  if (lead < 0x80) return {lead, 1};
  const std::size_t length = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
  if (lead < 0xC2 || lead > 0xF4 || at + length > text.size()) return {};
  char32_t code = lead & (0xFFU >> (length + 1));
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(at + i) & 0xC0U) != 0x80) return {};
    code = (code << 6) | (byte(at + i) & 0x3FU);
  }
  constexpr std::array<char32_t, 5> kSmallest{0, 0, 0x80, 0x800, 0x10000};
  if (code < kSmallest[length] || code > 0x10FFFF || (code >= 0xD800 && code < 0xE000)) return {};
  return {code, length};
}

bool is_unsafe(char32_t code) {
  if (code == '\n' || code == '\t') return false;
  return code < 0x20 || (code >= 0x7F && code < 0xA0) || (code >= 0x202A && code <= 0x202E) ||
         (code >= 0x2066 && code <= 0x2069) || code == 0x200E || code == 0x200F || code == 0x061C;
}

/// The first `columns` characters of a line, so that a long note cannot break the one-line display.
std::string cut_to(std::string_view text, std::size_t columns) {
  std::string out;
  for (std::size_t at = 0, shown = 0; at < text.size() && shown < columns; ++shown) {
    const std::size_t length = decode_at(text, at).length;
    out += text.substr(at, length);
    at += length;
  }
  return out;
}

}  // namespace

bool is_terminal(std::FILE* stream) { return isatty(fileno(stream)) == 1; }

int terminal_width(std::FILE* stream) {
  winsize size{};
  if (ioctl(fileno(stream), TIOCGWINSZ, &size) == 0 && size.ws_col > 0) return size.ws_col;
  return 80;
}

bool can_redraw(std::FILE* stream) {
  const char* term = std::getenv("TERM");
  return is_terminal(stream) && (term == nullptr || std::string_view(term) != "dumb");
}

bool use_colour(std::FILE* stream) {
  const char* no_color = std::getenv("NO_COLOR");
  return can_redraw(stream) && (no_color == nullptr || no_color[0] == '\0');
}

std::string printable(std::string_view text) {
  std::string out;
  for (std::size_t at = 0; at < text.size();) {
    const auto [code, length] = decode_at(text, at);
    if (code == 0xFFFD) {
      out += "\xEF\xBF\xBD";
    } else if (is_unsafe(code)) {
      out += code < 0x100 ? fmt::format("\\x{:02x}", static_cast<unsigned>(code))
                          : fmt::format("\\u{:04x}", static_cast<unsigned>(code));
    } else {
      out += text.substr(at, length);
    }
    at += length;
  }
  return out;
}

void say(std::string_view line) { fmt::print(stderr, "{}\n", printable(line)); }

std::string format_duration(double seconds) {
  const int64_t whole = std::llround(std::max(0.0, seconds));
  if (whole < 60) return fmt::format("{} s", whole);
  if (whole < 3600) return fmt::format("{} min {:02} s", whole / 60, whole % 60);
  return fmt::format("{} h {:02} min", whole / 3600, whole / 60 % 60);
}

ProgressBar::ProgressBar(int64_t total, std::string label, std::FILE* stream)
    : total_(total), label_(std::move(label)), stream_(stream), live_(can_redraw(stream)), start_ns_(SteadyClock().now_ns()) {
  IFM_CHECK(total > 0);
}

ProgressBar::~ProgressBar() {
  if (live_ && drawn_ && !finished_) std::fputc('\n', stream_);
}

void ProgressBar::update(int64_t done, std::string_view note) { update(done, note, kUnknownTime); }

void ProgressBar::update(int64_t done, std::string_view note, double seconds_left) {
  const int64_t now_ns = SteadyClock().now_ns();
  if (live_) {
    if (drawn_ && now_ns - last_draw_ns_ < kRedrawNs && done < total_) return;
  } else {
    const int64_t tenth = done * 10 / total_;
    if (tenth == last_tenth_) return;
    last_tenth_ = tenth;
  }
  last_draw_ns_ = now_ns;
  const double spent_s = static_cast<double>(now_ns - start_ns_) * 1e-9;
  if (seconds_left < 0 && done > 0) seconds_left = spent_s / static_cast<double>(done) * static_cast<double>(total_ - done);
  draw(done, note, seconds_left);
}

void ProgressBar::draw(int64_t done, std::string_view note, double seconds_left) {
  drawn_ = true;
  const double share = std::clamp(static_cast<double>(done) / static_cast<double>(total_), 0.0, 1.0);
  std::string line = fmt::format("{} {:3.0f} %", label_, share * 100);
  if (seconds_left >= 0 && done < total_) line += fmt::format(", {} left", format_duration(seconds_left));
  if (!note.empty()) line += fmt::format("  {}", printable(note));
  if (!live_) {
    fmt::print(stream_, "{}\n", line);
    std::fflush(stream_);
    return;
  }
  constexpr int kBarColumns = 24;
  const int filled = static_cast<int>(share * kBarColumns);
  const std::string bar = fmt::format("[{:=<{}}{: <{}}] ", "", filled, "", kBarColumns - filled);
  const int columns = std::max(20, terminal_width(stream_) - 1);
  fmt::print(stream_, "\r{}\x1b[K", cut_to(bar + line, static_cast<std::size_t>(columns)));
  std::fflush(stream_);
}

void ProgressBar::finish(std::string_view how) {
  if (finished_) return;
  finished_ = true;
  const double spent_s = static_cast<double>(SteadyClock().now_ns() - start_ns_) * 1e-9;
  fmt::print(stream_, "{}{} {} {}{}\n", live_ ? "\r" : "", label_, how, format_duration(spent_s), live_ ? "\x1b[K" : "");
  std::fflush(stream_);
}

}  // namespace ifm
