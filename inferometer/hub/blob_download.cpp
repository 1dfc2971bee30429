#include "inferometer/hub/blob_download.h"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <string_view>

#include <fmt/format.h>

#include "inferometer/base/error.h"
#include "inferometer/format/quote.h"
#include "inferometer/hub/blob_lock.h"
#include "inferometer/hub/part_file.h"
#include "inferometer/hub/user_folders.h"

namespace ifm {
namespace {

constexpr int64_t kWorthATry = 1 << 20;  // a try that brings this much was not in vain
constexpr int kRangeNotThere = 416;

void wait_or_stop(int64_t duration_ns, const StopToken& stop) {
  std::mutex mutex;
  std::condition_variable changed;
  const StopCallback wake(stop, [&] {
    const std::lock_guard lock(mutex);
    changed.notify_all();
  });
  std::unique_lock lock(mutex);
  changed.wait_for(lock, std::chrono::nanoseconds(duration_ns), [&] { return stop.stop_requested(); });
}

/// The number at the front of `text`, which is cut off; nullopt when there is none.
std::optional<int64_t> take_number(std::string_view& text) {
  int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || value < 0) return std::nullopt;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  return value;
}

/// One file on its way.
class BlobDownload final : public HubReader {
 public:
  BlobDownload(const HubFile& file, PartFile& part, const std::function<void(int64_t)>& on_bytes)
      : file_(file), part_(part), on_bytes_(on_bytes) {}

  void on_answer(const HubAnswer& answer) override {
    if (answer.status == 206) {
      check_range(answer);
    } else if (part_.size() > 0) {
      restart();  // the server sends everything, whatever was asked for
    }
    const auto length = answer.headers.find("content-length");
    if (length == answer.headers.end()) return;
    std::string_view text = length->second;
    if (take_number(text) != file_.bytes - part_.size()) {
      fail(ErrorKind::invalid_data, "{}: the Hub answers with {} bytes (expected {})", file_.path, quote(length->second),
           file_.bytes - part_.size());
    }
  }

  void on_bytes(std::string_view bytes) override {
    part_.append(bytes);
    on_bytes_(static_cast<int64_t>(bytes.size()));
  }

  void restart() {
    on_bytes_(-part_.size());
    part_.restart();
  }

 private:
  /// "bytes FIRST-LAST/ALL" must go on where we are.
  void check_range(const HubAnswer& answer) const {
    const auto header = answer.headers.find("content-range");
    std::string_view text = header == answer.headers.end() ? std::string_view() : header->second;
    bool good = text.starts_with("bytes ");
    if (good) text.remove_prefix(6);
    good = good && take_number(text) == part_.size() && text.starts_with('-');
    if (good) text.remove_prefix(1);
    good = good && take_number(text) == file_.bytes - 1 && text == fmt::format("/{}", file_.bytes);
    if (good) return;
    fail(ErrorKind::invalid_data, "{}: the Hub answers with another range: {} (expected bytes {}-{}/{})", file_.path,
         header == answer.headers.end() ? "none" : quote(header->second), part_.size(), file_.bytes - 1, file_.bytes);
  }

  const HubFile& file_;
  PartFile& part_;
  const std::function<void(int64_t)>& on_bytes_;
};

/// One try; what may pass by itself comes back instead of being thrown, because it is not the end.
std::optional<Error> try_once(const BlobSource& source, const HubFile& file, HubClient& client, BlobDownload& download,
                              const PartFile& part, const StopToken& stop) {
  try {
    const HubQuestion question{blob_path(source, file), part.size()};
    const HubAnswer answer = client.get(question, download, stop);
    if (answer.stopped) return std::nullopt;
    if (answer.status == kRangeNotThere && part.size() > 0) download.restart();
    if (!answer.good()) fail_answer(answer, source.settings, source.repository, file.path);
    if (!part.whole()) fail(ErrorKind::network, "{}: ended after {} of {} bytes", file.path, part.size(), file.bytes);
    return std::nullopt;
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::network && error.kind() != ErrorKind::timeout) throw;
    return error;
  }
}

}  // namespace

std::string blob_path(const BlobSource& source, const HubFile& file) {
  return fmt::format("{}/resolve/{}/{}", encode_path(source.repository), source.commit, encode_path(file.path));
}

void download_blob(const BlobSource& source, const HubFile& file, HubClient& client, const RetryRule& rule,
                   const std::function<void(int64_t)>& on_bytes, const StopToken& stop) {
  const BlobLock lock(source.cache.lock(file.digest), stop);
  if (!lock.held()) return;
  const auto blob = source.cache.blob(file.digest);
  if (is_file(blob)) return on_bytes(file.bytes);
  PartFile part(source.cache.part(file.digest), file, stop);
  on_bytes(part.size());
  BlobDownload download(file, part, on_bytes);
  int64_t furthest = part.size();
  int in_vain = 0;
  while (!part.whole() && !stop.stop_requested()) {
    const std::optional<Error> broken = try_once(source, file, client, download, part, stop);
    if (!broken) continue;
    in_vain = part.size() - furthest >= kWorthATry ? 0 : in_vain + 1;
    furthest = std::max(furthest, part.size());
    if (in_vain >= rule.tries) throw Error(*broken);
    wait_or_stop(rule.first_pause_ns << std::max(in_vain - 1, 0), stop);
  }
  if (part.whole()) part.finish(blob);
}

}  // namespace ifm
