#include "inferometer/net/http.h"

#include <curl/curl.h>

#include <algorithm>
#include <cctype>
#include <exception>
#include <optional>
#include <utility>

#include "inferometer/base/check.h"
#include "inferometer/base/error.h"

namespace ifm {
namespace {

constexpr std::size_t kMaxHeaderBytes = std::size_t{256} << 10U;
/// The longest sleep: how late a limit is noticed at most.
constexpr int64_t kSliceNs = 50'000'000;
/// How long the end of an answer is waited for whose content is complete.
constexpr int64_t kEndNs = 20'000'000;

void initialize_once() {
  static const CURLcode code = curl_global_init(CURL_GLOBAL_DEFAULT);
  if (code != CURLE_OK) fail(ErrorKind::network, "HTTP: {}", curl_easy_strerror(code));
}

int64_t ns_of(double seconds) { return static_cast<int64_t>(seconds * 1e9); }

std::string lower(std::string_view text) {
  std::string result(text);
  std::ranges::transform(result, result.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return result;
}

std::string_view trimmed(std::string_view text) {
  const auto blank = [](char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; };
  while (!text.empty() && blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && blank(text.back())) text.remove_suffix(1);
  return text;
}

struct HeaderList {
  curl_slist* list = nullptr;
  HeaderList() = default;
  HeaderList(const HeaderList&) = delete;
  HeaderList& operator=(const HeaderList&) = delete;
  ~HeaderList() { curl_slist_free_all(list); }
  void add(const std::string& line) {
    curl_slist* longer = curl_slist_append(list, line.c_str());
    if (longer == nullptr) fail(ErrorKind::resource, "HTTP: out of memory");
    list = longer;
  }
};

class Keeper final : public HttpHandler {
 public:
  Keeper(HttpClient::Answer& answer, std::size_t most) : answer_(answer), most_(most) {}
  void on_headers(int status, const std::map<std::string, std::string>& headers) override {
    answer_.status = status;
    answer_.headers = headers;
  }
  void on_body(std::string_view bytes, int64_t /*received_ns*/) override {
    if (answer_.body.size() + bytes.size() > most_) fail(ErrorKind::network, "server: an answer of more than {} bytes", most_);
    answer_.body += bytes;
  }
  [[nodiscard]] int64_t progress() const override { return static_cast<int64_t>(answer_.body.size()); }

 private:
  HttpClient::Answer& answer_;
  std::size_t most_;
};

}  // namespace

struct HttpClient::Handles {
  CURLM* multi = nullptr;
  CURL* easy = nullptr;
  Handles() {
    initialize_once();
    multi = curl_multi_init();
    easy = curl_easy_init();
    if (multi == nullptr || easy == nullptr) fail(ErrorKind::resource, "HTTP: out of memory");
  }
  Handles(const Handles&) = delete;
  Handles& operator=(const Handles&) = delete;
  ~Handles() {
    curl_easy_cleanup(easy);
    curl_multi_cleanup(multi);
  }
};

/// One request on its way.
class HttpClient::Transfer {
 public:
  Transfer(HttpClient& client, const HttpRequest& request, HttpHandler& handler)
      : client_(client), request_(request), handler_(handler), easy_(client.handles_->easy), multi_(client.handles_->multi) {
    prepare();
    check(curl_multi_add_handle(multi_, easy_));
  }
  Transfer(const Transfer&) = delete;
  Transfer& operator=(const Transfer&) = delete;
  ~Transfer() { curl_multi_remove_handle(multi_, easy_); }

  HttpResult run(const StopToken& stop) {
    const StopCallback wake(stop, [this] { curl_multi_wakeup(multi_); });
    last_ns_ = client_.clock_.now_ns();
    while (true) {
      int running = 0;
      check(curl_multi_perform(multi_, &running));
      if (error_) std::rethrow_exception(error_);
      HttpResult result{.status = status_, .connect_ns = connect_ns()};
      if (stop.stop_requested()) {
        result.stopped = true;
        return result;
      }
      if (handler_.complete() && left_after_completion_ns() <= 0) return result;
      if (running == 0) {
        finish();
        result.status = status_;
        return result;
      }
      const int64_t left_ns = handler_.complete() ? left_after_completion_ns() : left_until_late_ns();
      if (left_ns <= 0) fail_late();
      const auto wait_ms = static_cast<int>(std::min(left_ns, kSliceNs) / 1'000'000 + 1);
      check(curl_multi_poll(multi_, nullptr, 0, wait_ms, nullptr));
    }
  }

 private:
  template <typename Value>
  void set(CURLoption option, Value value) {
    const CURLcode code = curl_easy_setopt(easy_, option, value);
    if (code != CURLE_OK) fail(ErrorKind::network, "{}: {}", request_.url, curl_easy_strerror(code));
  }

  void check(CURLMcode code) const {
    if (code != CURLM_OK) fail(ErrorKind::network, "{}: {}", request_.url, curl_multi_strerror(code));
  }

  void prepare() {
    const HttpSettings& settings = client_.settings_;
    curl_easy_reset(easy_);  // connections stay
    set(CURLOPT_URL, request_.url.c_str());
#if LIBCURL_VERSION_NUM >= 0x075500
    set(CURLOPT_PROTOCOLS_STR, "http,https");
#else
    set(CURLOPT_PROTOCOLS, long{CURLPROTO_HTTP | CURLPROTO_HTTPS});
#endif
    set(CURLOPT_HTTP_VERSION, long{CURL_HTTP_VERSION_1_1});
    set(CURLOPT_NOSIGNAL, 1L);
    set(CURLOPT_TCP_NODELAY, 1L);
    set(CURLOPT_ERRORBUFFER, message_);
    set(CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(settings.connect_s * 1000));
    if (!settings.ca_file.empty()) set(CURLOPT_CAINFO, settings.ca_file.c_str());
    if (!settings.proxy.empty()) set(CURLOPT_PROXY, settings.proxy.c_str());
    if (!settings.socket.empty()) set(CURLOPT_UNIX_SOCKET_PATH, settings.socket.c_str());
    for (const auto& [name, value] : settings.headers) headers_.add(name + ": " + value);
    for (const auto& [name, value] : request_.headers) headers_.add(name + ": " + value);
    if (!request_.body.empty()) {
      headers_.add("Content-Type: application/json");
      headers_.add("Expect:");  // a body is sent at once, not after a question
      set(CURLOPT_POSTFIELDS, request_.body.c_str());
      set(CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request_.body.size()));
    }
    set(CURLOPT_HTTPHEADER, headers_.list);
    set(CURLOPT_HEADERFUNCTION, &Transfer::on_header);
    set(CURLOPT_HEADERDATA, this);
    set(CURLOPT_WRITEFUNCTION, &Transfer::on_body);
    set(CURLOPT_WRITEDATA, this);
  }

  /// libcurl is C: an exception waits until we are out of it.
  template <typename Body>
  std::size_t guarded(std::size_t size, const Body& body) {
    if (error_) return 0;
    try {
      body();
      return size;
    } catch (...) {
      error_ = std::current_exception();
      return 0;
    }
  }

  static std::size_t on_header(char* data, std::size_t one, std::size_t count, void* self) {
    auto& transfer = *static_cast<Transfer*>(self);
    return transfer.guarded(one * count, [&] { transfer.take_header({data, one * count}); });
  }

  static std::size_t on_body(char* data, std::size_t one, std::size_t count, void* self) {
    auto& transfer = *static_cast<Transfer*>(self);
    const int64_t received_ns = transfer.client_.clock_.now_ns();
    return transfer.guarded(one * count, [&] {
      transfer.announce();
      if (!transfer.handler_.complete()) transfer.handler_.on_body({data, one * count}, received_ns);
    });
  }

  void take_header(std::string_view line) {
    header_bytes_ += line.size();
    if (header_bytes_ > kMaxHeaderBytes) fail(ErrorKind::network, "server: more than {} bytes of headers", kMaxHeaderBytes);
    if (line.starts_with("HTTP/")) return seen_.clear();  // a proxy's answer, or 100 Continue, came before
    const std::size_t colon = line.find(':');
    if (colon == std::string_view::npos) return;
    seen_[lower(trimmed(line.substr(0, colon)))] = trimmed(line.substr(colon + 1));
  }

  void announce() {
    if (announced_) return;
    announced_ = true;
    long status = 0;
    curl_easy_getinfo(easy_, CURLINFO_RESPONSE_CODE, &status);
    status_ = static_cast<int>(status);
    handler_.on_headers(status_, seen_);
    if (const auto at = seen_.find("content-encoding"); at != seen_.end() && lower(at->second) != "identity") {
      fail(ErrorKind::network, "server: its answer is compressed ({}), which was not asked for", at->second.substr(0, 40));
    }
  }

  [[nodiscard]] std::optional<int64_t> connect_ns() const {
    long connections = 0;
    curl_off_t connect_us = 0;
    curl_off_t tls_us = 0;
    curl_easy_getinfo(easy_, CURLINFO_NUM_CONNECTS, &connections);
    if (connections == 0) return std::nullopt;
    curl_easy_getinfo(easy_, CURLINFO_CONNECT_TIME_T, &connect_us);
    curl_easy_getinfo(easy_, CURLINFO_APPCONNECT_TIME_T, &tls_us);
    return int64_t{std::max(connect_us, tls_us)} * 1000;
  }

  [[nodiscard]] int64_t left_until_late_ns() {
    const int64_t now_ns = client_.clock_.now_ns();
    const int64_t progress = handler_.progress();
    if (std::exchange(progress_, progress) != progress) last_ns_ = now_ns;
    return last_ns_ + ns_of(progress > 0 ? request_.gap_s : request_.first_s) - now_ns;
  }

  /// A connection whose answer has been read to its end can be used again.
  [[nodiscard]] int64_t left_after_completion_ns() {
    const int64_t now_ns = client_.clock_.now_ns();
    if (!completed_ns_) completed_ns_ = now_ns;
    return *completed_ns_ + kEndNs - now_ns;
  }

  [[noreturn]] void fail_late() const {
    if (progress_ > 0) {
      fail(ErrorKind::timeout, "timeouts: the server's answer stalled (expected its next part within {} s)", request_.gap_s);
    }
    fail(ErrorKind::timeout, "timeouts: the server's answer did not begin in time (expected within {} s; {})", request_.first_s,
         announced_ ? "headers came" : "not even headers came");
  }

  void finish() {
    int waiting = 0;
    const CURLMsg* message = curl_multi_info_read(multi_, &waiting);
    IFM_CHECK(message != nullptr && message->msg == CURLMSG_DONE);
    const CURLcode code = message->data.result;
    if (code == CURLE_OK) return announce();
    const char* why = message_[0] != '\0' ? message_ : curl_easy_strerror(code);
    if (code == CURLE_OPERATION_TIMEDOUT) {
      fail(ErrorKind::timeout, "timeouts: {} did not answer a connection within {} s", request_.url, client_.settings_.connect_s);
    }
    fail(ErrorKind::network, "{}: {}", request_.url, why);
  }

  HttpClient& client_;
  const HttpRequest& request_;
  HttpHandler& handler_;
  CURL* easy_;
  CURLM* multi_;
  HeaderList headers_;
  std::map<std::string, std::string> seen_;
  std::size_t header_bytes_ = 0;
  bool announced_ = false;
  int status_ = 0;
  int64_t last_ns_ = 0;  // of progress
  int64_t progress_ = 0;
  std::optional<int64_t> completed_ns_;
  std::exception_ptr error_;
  char message_[CURL_ERROR_SIZE] = {};
};

HttpClient::HttpClient(HttpSettings settings, Clock& clock)
    : settings_(std::move(settings)), clock_(clock), handles_(std::make_unique<Handles>()) {}

HttpClient::~HttpClient() = default;

HttpResult HttpClient::send(const HttpRequest& request, HttpHandler& handler, const StopToken& stop) {
  return Transfer(*this, request, handler).run(stop);
}

HttpClient::Answer HttpClient::fetch(const HttpRequest& request, std::size_t most) {
  Answer answer;
  Keeper keeper(answer, most);
  (void)send(request, keeper, {});
  return answer;
}

}  // namespace ifm
