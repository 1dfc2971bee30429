#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "inferometer/base/clock.h"
#include "inferometer/base/stop.h"

namespace ifm {

/// How a server is reached; the same for all requests of a client.
struct HttpSettings {
  std::vector<std::pair<std::string, std::string>> headers;  ///< sent with every request
  std::string ca_file;                                       ///< PEM: certificates to trust instead of the system's
  std::string proxy;                                         ///< empty = http_proxy, https_proxy and no_proxy of the environment
  std::string socket;                                        ///< a Unix socket to connect to, whatever the URL's host
  double connect_s = 5;
};

/// One request. A server that is quiet for longer than the limits is a timeout; see HttpHandler::progress().
struct HttpRequest {
  std::string url;
  std::string body;  ///< empty = GET, else a POST of JSON
  double first_s = 60;
  double gap_s = 30;
  std::vector<std::pair<std::string, std::string>> headers;  ///< of this request only, after the client's
};

/// Takes the answer. Throwing an Error ends the request with it.
class HttpHandler {
 public:
  virtual ~HttpHandler() = default;
  /// Once, when all headers are there; keys in lower case.
  virtual void on_headers(int /*status*/, const std::map<std::string, std::string>& /*headers*/) {}
  /// A piece of the body; received_ns: when the read of the socket returned it.
  virtual void on_body(std::string_view bytes, int64_t received_ns) = 0;
  /// Whether the answer is complete although the server may hold the connection open: the rest is hardly waited for.
  [[nodiscard]] virtual bool complete() const { return false; }
  /// How much of what counts has come, tokens or bytes: 0 is waited for under first_s, each growth after it under gap_s.
  [[nodiscard]] virtual int64_t progress() const = 0;
};

/// How a request went.
struct HttpResult {
  int status = 0;
  std::optional<int64_t> connect_ns;  ///< TCP and TLS; null when an open connection was used again
  bool stopped = false;               ///< by the stop token
};

/// Requests over HTTP/1.1, plain or with TLS, one at a time, on connections that stay open. Redirects are not followed,
/// compressed answers are not asked for. Not thread-safe; a stop token may be used from another thread.
class HttpClient {
 public:
  HttpClient(HttpSettings settings, Clock& clock);
  HttpClient(const HttpClient&) = delete;
  HttpClient& operator=(const HttpClient&) = delete;
  ~HttpClient();

  /// @throws Error timeout ("… connect …", "… first token …", "… stalled …"), network for a connection that breaks or an answer
  /// that is no HTTP, and whatever the handler throws.
  HttpResult send(const HttpRequest& request, HttpHandler& handler, const StopToken& stop);
  /// The whole body of an answer, at most `most` bytes. @throws Error as send().
  struct Answer {
    int status = 0;
    std::string body;
    std::map<std::string, std::string> headers;
  };
  [[nodiscard]] Answer fetch(const HttpRequest& request, std::size_t most = std::size_t{16} << 20U);

 private:
  class Transfer;
  struct Handles;
  HttpSettings settings_;
  Clock& clock_;
  std::unique_ptr<Handles> handles_;
};

}  // namespace ifm
