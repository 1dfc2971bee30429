#include "inferometer/hub/hub_download.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <exception>
#include <mutex>
#include <system_error>
#include <thread>
#include <vector>

#include "inferometer/base/error.h"
#include "inferometer/hub/user_folders.h"

namespace ifm {
namespace {

namespace fs = std::filesystem;

constexpr std::chrono::milliseconds kBetweenReports{100};

/// Threads that end before their owner does, also when an exception is on its way.
struct Threads {
  const StopSource& stop;
  std::vector<std::thread> all;
  ~Threads() {
    stop.request_stop();
    for (std::thread& thread : all) thread.join();
  }
};

/// Threads that take one file after another.
class Download {
 public:
  Download(const BlobSource& source, std::span<const HubFile> files, const DownloadOptions& options, Clock& clock)
      : source_(source), options_(options), clock_(clock) {
    for (const HubFile& file : files) {
      files_.push_back(&file);
      total_ += file.bytes;
    }
    // The largest first, so that none is left alone at the end.
    std::ranges::stable_sort(files_, std::greater(), [](const HubFile* file) { return file->bytes; });
  }

  void run() {
    const StopCallback pass_on(options_.stop, [this] { stop_.request_stop(); });
    {
      Threads threads{.stop = stop_};
      running_ = std::min<int>(options_.connections, static_cast<int>(files_.size()));
      for (int i = 0, count = running_; i < count; ++i) threads.all.emplace_back([this] { work(); });
      wait();
    }
    report();
    if (error_) std::rethrow_exception(error_);
    if (options_.stop.stop_requested()) {
      fail(ErrorKind::interrupted, "{}: stopped; what has come is kept, and pulling it again goes on from there",
           source_.repository);
    }
  }

 private:
  void work() {
    try {
      HubClient client(source_.settings, clock_);
      for (std::size_t i = next_++; i < files_.size() && !stop_.stop_requested(); i = next_++) {
        const HubFile& file = *files_[i];
        download_blob(
            source_, file, client, options_.retry, [this](int64_t bytes) { done_ += bytes; }, stop_.get_token());
        if (!stop_.stop_requested()) source_.cache.link(source_.commit, file.path, file.digest);
      }
    } catch (...) {
      const std::lock_guard lock(mutex_);
      if (!error_) error_ = std::current_exception();
      stop_.request_stop();
    }
    const std::lock_guard lock(mutex_);
    --running_;
    ended_.notify_all();
  }

  void wait() {
    std::unique_lock lock(mutex_);
    while (running_ > 0) {
      ended_.wait_for(lock, kBetweenReports);
      lock.unlock();
      report();
      lock.lock();
    }
  }

  void report() const {
    if (options_.on_progress) options_.on_progress(done_, total_);
  }

  const BlobSource& source_;
  const DownloadOptions& options_;
  Clock& clock_;
  std::vector<const HubFile*> files_;
  int64_t total_ = 0;
  std::atomic<int64_t> done_{0};
  std::atomic<std::size_t> next_{0};
  StopSource stop_;
  std::mutex mutex_;
  std::condition_variable ended_;
  int running_ = 0;
  std::exception_ptr error_;
};

}  // namespace

void download_files(const BlobSource& source, std::span<const HubFile> files, const DownloadOptions& options, Clock& clock) {
  source.cache.make_folders();
  Download(source, files, options, clock).run();
}

int64_t missing_bytes(const HubCache& cache, std::span<const HubFile> files) {
  int64_t missing = 0;
  for (const HubFile& file : files) {
    if (is_file(cache.blob(file.digest))) continue;
    std::error_code error;
    const auto there = static_cast<int64_t>(fs::file_size(cache.part(file.digest), error));
    missing += file.bytes - (error || there > file.bytes ? 0 : there);
  }
  return missing;
}

}  // namespace ifm
