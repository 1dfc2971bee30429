#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>

#include "inferometer/base/clock.h"
#include "inferometer/hub/hub_settings.h"
#include "inferometer/net/http.h"
#include "inferometer/net/url.h"

namespace ifm {

/// What the Hub is asked for.
struct HubQuestion {
  std::string path;        ///< below the endpoint, encoded
  int64_t first_byte = 0;  ///< > 0: only what comes from there on
  int64_t last_byte = 0;   ///< > 0: nothing behind it, if the server can do so
};

/// The head of an answer.
struct HubAnswer {
  int status = 0;
  std::map<std::string, std::string> headers;  ///< keys in lower case
  bool stopped = false;
  [[nodiscard]] bool good() const { return status == 200 || status == 206; }
};

/// Takes the body of a good answer.
class HubReader {
 public:
  virtual ~HubReader() = default;
  /// Before the body. May throw to refuse it.
  virtual void on_answer(const HubAnswer& answer) = 0;
  virtual void on_bytes(std::string_view bytes) = 0;
  /// Whether the rest of the body need not be waited for.
  [[nodiscard]] virtual bool has_enough() const { return false; }
};

/// GET from the Hub and from where it sends us: redirects are followed, the token goes to the endpoint's origin alone.
/// Not thread-safe.
class HubClient {
 public:
  HubClient(const HubSettings& settings, Clock& clock);

  /// The answer after redirects; the reader sees it only when it is good. @throws Error network and timeout for a connection that
  /// breaks (worth another try), invalid_data for what no Hub would send, and whatever the reader throws.
  HubAnswer get(const HubQuestion& question, HubReader& reader, const StopToken& stop);

 private:
  const HubSettings& settings_;
  Origin endpoint_;
  HttpClient client_;
};

/// Where a redirect from `url` leads. @throws Error invalid_data when it may not be followed: to another kind of URL, or from
/// https to http.
[[nodiscard]] std::string redirect_target(const std::string& url, const std::string& location);

/// @throws Error that says what a status other than 200 and 206 means for `repository`; network for what may pass by itself.
[[noreturn]] void fail_answer(const HubAnswer& answer, const HubSettings& settings, const std::string& repository,
                              const std::string& what);

}  // namespace ifm
