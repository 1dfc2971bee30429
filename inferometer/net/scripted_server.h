#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <functional>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "inferometer/base/clock.h"
#include "inferometer/base/error.h"

namespace ifm {

/// The server's end of one connection, for tests and for `calibrate`: sends any bytes at any time, and ends as badly as it likes.
class ScriptedConnection {
 public:
  explicit ScriptedConnection(int socket) : socket_(socket) {}
  ScriptedConnection(const ScriptedConnection&) = delete;
  ScriptedConnection& operator=(const ScriptedConnection&) = delete;
  ~ScriptedConnection() { close(); }

  /// One request, headers and body; empty when the client has gone.
  std::string read_request() {
    std::string request;
    std::size_t end = std::string::npos;
    std::size_t body = 0;
    while (end == std::string::npos || request.size() < end + 4 + body) {
      char bytes[4096];
      const ssize_t size = ::recv(socket_, bytes, sizeof(bytes), 0);
      if (size <= 0) return {};
      request.append(bytes, static_cast<std::size_t>(size));
      end = request.find("\r\n\r\n");
      const std::size_t length = request.find("Content-Length: ");
      if (length != std::string::npos) body = std::strtoul(request.c_str() + length + 16, nullptr, 10);
    }
    return request;
  }
  /// Sends all of it and notes when.
  void send(std::string_view bytes) {
    sent_ns.push_back(SteadyClock().now_ns());
    while (!bytes.empty()) {
      const ssize_t size = ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (size <= 0) return;  // the client left: tests look at what it says
      bytes.remove_prefix(static_cast<std::size_t>(size));
    }
  }
  /// One segment for each byte, as far as the system lets us.
  void send_by_bytes(std::string_view bytes) {
    for (const char& byte : bytes) send({&byte, 1});
  }
  void headers(const std::string& more = "", const std::string& status = "200 OK") {
    send("HTTP/1.1 " + status + "\r\nContent-Type: text/event-stream\r\nConnection: close\r\n" + more + "\r\n");
  }
  void data(const std::string& json) { send("data: " + json + "\n\n"); }
  /// Waits until the client leaves, or `seconds`.
  void hang(double seconds = 20) {
    timeval limit{.tv_sec = static_cast<time_t>(seconds), .tv_usec = 0};
    setsockopt(socket_, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
    char byte = 0;
    (void)::recv(socket_, &byte, 1, 0);
  }
  void close() {
    if (socket_ >= 0) ::close(socket_);
    socket_ = -1;
  }
  /// RST instead of FIN.
  void reset() {
    const linger now{.l_onoff = 1, .l_linger = 0};
    setsockopt(socket_, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
    close();
  }

  std::vector<int64_t> sent_ns;

 private:
  int socket_;
};

/// Listens on the loopback interface, or on a Unix socket, and plays a script for each connection, one at a time. GET is answered
/// with a list of models unless told otherwise.
class ScriptedServer {
 public:
  using Script = std::function<void(ScriptedConnection&, const std::string& request)>;

  explicit ScriptedServer(Script script, int family = AF_INET, const std::string& path = "") : script_(std::move(script)) {
    socket_ = ::socket(family, SOCK_STREAM, 0);
    bool bound = false;
    if (family == AF_INET) {
      sockaddr_in address{};
      address.sin_family = AF_INET;
      address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
      bound = listen_on(address, &address.sin_port);
    } else if (family == AF_INET6) {
      sockaddr_in6 address{};
      address.sin6_family = AF_INET6;
      address.sin6_addr = in6addr_loopback;
      bound = listen_on(address, &address.sin6_port);
    } else {
      sockaddr_un address{};
      address.sun_family = AF_UNIX;
      path.copy(address.sun_path, sizeof(address.sun_path) - 1);
      bound = ::bind(socket_, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0 && ::listen(socket_, 8) == 0;
    }
    if (!bound) fail(ErrorKind::network, "server: cannot listen on the loopback interface");
    url_ = (family == AF_INET6 ? "http://[::1]:" : "http://127.0.0.1:") + std::to_string(port_);
    thread_ = std::thread([this] { serve(); });
  }
  ScriptedServer(const ScriptedServer&) = delete;
  ScriptedServer& operator=(const ScriptedServer&) = delete;
  ~ScriptedServer() {
    stop_ = true;
    ::shutdown(socket_, SHUT_RDWR);
    thread_.join();
    ::close(socket_);
  }

  [[nodiscard]] const std::string& url() const { return url_; }
  [[nodiscard]] int port() const { return port_; }
  [[nodiscard]] std::vector<std::string> requests() const {
    const std::lock_guard lock(mutex_);
    return requests_;
  }
  std::string models = R"({"object":"list","data":[{"id":"scripted","object":"model"}]})";
  std::string server_header = "scripted";
  std::atomic<bool> scripts_get{false};  ///< the script answers GET too

 private:
  template <typename Address>
  bool listen_on(Address& address, in_port_t* port) {
    socklen_t size = sizeof(address);
    auto* any = reinterpret_cast<sockaddr*>(&address);
    const bool bound = ::bind(socket_, any, size) == 0 && ::listen(socket_, 8) == 0 && ::getsockname(socket_, any, &size) == 0;
    port_ = ntohs(*port);
    return bound;
  }

  void serve() {
    while (!stop_) {
      const int accepted = ::accept(socket_, nullptr, nullptr);
      if (accepted < 0) return;
      const timeval limit{.tv_sec = 20, .tv_usec = 0};
      setsockopt(accepted, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
      ScriptedConnection connection(accepted);
      const std::string request = connection.read_request();
      if (request.empty()) continue;
      {
        const std::lock_guard lock(mutex_);
        requests_.push_back(request);
      }
      if (request.starts_with("GET ") && !scripts_get) {
        connection.send("HTTP/1.1 200 OK\r\nServer: " + server_header +
                        "\r\nConnection: close\r\nContent-Length: " + std::to_string(models.size()) + "\r\n\r\n" + models);
      } else {
        script_(connection, request);
      }
    }
  }

  Script script_;
  int socket_ = -1;
  int port_ = 0;
  std::string url_;
  std::atomic<bool> stop_{false};
  mutable std::mutex mutex_;
  std::vector<std::string> requests_;
  std::thread thread_;
};

}  // namespace ifm
