#include "inferometer/hub/hub_client.h"

#include <utility>

#include <fmt/format.h>

#include "inferometer/base/error.h"
#include "inferometer/format/quote.h"

namespace ifm {
namespace {

constexpr int kMostRedirects = 5;
constexpr double kConnectSeconds = 15;

bool is_redirect(int status) { return status == 301 || status == 302 || status == 303 || status == 307 || status == 308; }

std::string header_of(const HubAnswer& answer, const char* name) {
  const auto found = answer.headers.find(name);
  return found == answer.headers.end() ? "" : found->second;
}

/// Passes the body of a good answer on, and lets go of any other.
class Filter final : public HttpHandler {
 public:
  Filter(HubReader& reader, const std::string& url) : reader_(reader), url_(url) {}
  void on_headers(int status, const std::map<std::string, std::string>& headers) override {
    answer.status = status;
    answer.headers = headers;
    if (!answer.good()) return;
    if (const std::string encoding = header_of(answer, "content-encoding"); !encoding.empty() && encoding != "identity") {
      fail(ErrorKind::invalid_data, "{}: its answer is compressed ({}), which was not asked for", url_, quote(encoding));
    }
    reader_.on_answer(answer);
  }
  void on_body(std::string_view bytes, int64_t /*received_ns*/) override {
    bytes_ += static_cast<int64_t>(bytes.size());
    if (answer.good() && !reader_.has_enough()) reader_.on_bytes(bytes);
  }
  [[nodiscard]] bool complete() const override { return answer.status != 0 && (!answer.good() || reader_.has_enough()); }
  [[nodiscard]] int64_t progress() const override { return bytes_; }

  HubAnswer answer;

 private:
  HubReader& reader_;
  const std::string& url_;
  int64_t bytes_ = 0;
};

/// Empty when everything is asked for.
std::string range_of(const HubQuestion& question) {
  if (question.first_byte <= 0 && question.last_byte <= 0) return "";
  return fmt::format("bytes={}-{}", question.first_byte, question.last_byte > 0 ? std::to_string(question.last_byte) : "");
}

HttpSettings http_settings(const HubSettings& settings) {
  HttpSettings http;
  http.ca_file = settings.ca_file;
  http.connect_s = kConnectSeconds;
  http.headers = {{"User-Agent", "inferometer"}};
  return http;
}

}  // namespace

HubClient::HubClient(const HubSettings& settings, Clock& clock)
    : settings_(settings), endpoint_(origin_of(settings.endpoint)), client_(http_settings(settings), clock) {}

HubAnswer HubClient::get(const HubQuestion& question, HubReader& reader, const StopToken& stop) {
  HttpRequest request;
  request.url = settings_.endpoint + "/" + question.path;
  const std::string asked = request.url;
  for (int redirects = 0; redirects <= kMostRedirects; ++redirects) {
    const Origin origin = origin_of(request.url);
    request.headers.clear();
    if (const std::string range = range_of(question); !range.empty()) request.headers.emplace_back("Range", range);
    if (!settings_.token.empty() && origin == endpoint_)
      request.headers.emplace_back("Authorization", "Bearer " + settings_.token);
    Filter filter(reader, asked);
    const HttpResult result = client_.send(request, filter, stop);
    filter.answer.status = result.status;
    filter.answer.stopped = result.stopped;
    if (result.stopped || !is_redirect(result.status)) return filter.answer;
    request.url = redirect_target(request.url, header_of(filter.answer, "location"));
  }
  fail(ErrorKind::invalid_data, "{}: more than {} redirects", asked, kMostRedirects);
}

std::string redirect_target(const std::string& url, const std::string& location) {
  const Origin from = origin_of(url);
  if (location.empty()) fail(ErrorKind::invalid_data, "{}: its redirect names no place", from.host);
  std::string target = resolve_url(url, location);
  const Origin to = origin_of(target);
  if (from.scheme == "https" && to.scheme != "https") {
    fail(ErrorKind::invalid_data, "{}: its redirect leads from https to http at {}, which is refused", from.host, to.host);
  }
  return target;
}

void fail_answer(const HubAnswer& answer, const HubSettings& settings, const std::string& repository, const std::string& what) {
  const std::string page = settings.endpoint + "/" + repository;
  switch (answer.status) {
    case 401:
    case 403:
      fail(ErrorKind::usage,
           "{}: the Hub answered {}: the model is gated or private, or does not exist ({} HF_TOKEN to a token of an account that "
           "accepted the licence at {})",
           repository, answer.status, settings.token.empty() ? "set" : "HF_TOKEN was sent; set", page);
    case 404:
      fail(ErrorKind::not_found, "{}: no such model, revision or file on the Hub ({}; see {})", repository, what, page);
    default:
      fail(ErrorKind::network, "{}: the Hub answered {} (expected 200; {})", repository, answer.status, what);
  }
}

}  // namespace ifm
