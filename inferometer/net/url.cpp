#include "inferometer/net/url.h"

#include <curl/curl.h>

#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <memory>

#include <fmt/format.h>

#include "inferometer/base/error.h"

namespace ifm {
namespace {

struct UrlCloser {
  void operator()(CURLU* url) const { curl_url_cleanup(url); }
};
using Url = std::unique_ptr<CURLU, UrlCloser>;

/// A URL as a message may show it: without its query, which may hold a signature, and not endless.
std::string shown(const std::string& url) {
  std::string text = url.substr(0, std::min<std::size_t>(url.find('?'), 120));
  std::ranges::replace_if(
      text, [](unsigned char c) { return c < 0x20 || c > 0x7e; }, '?');
  return text;
}

[[noreturn]] void fail_url(const std::string& url) {
  fail(ErrorKind::invalid_data, "URL {}: is none that can be fetched (expected http:// or https://)", shown(url));
}

std::string part(CURLU* url, CURLUPart which, unsigned flags, const std::string& whole) {
  char* text = nullptr;
  if (curl_url_get(url, which, &text, flags) != CURLUE_OK) fail_url(whole);
  std::string result(text);
  curl_free(text);
  return result;
}

Url parsed(const std::string& text) {
  Url url(curl_url());
  if (url == nullptr) fail(ErrorKind::resource, "HTTP: out of memory");
  if (curl_url_set(url.get(), CURLUPART_URL, text.c_str(), 0) != CURLUE_OK) fail_url(text);
  return url;
}

}  // namespace

Origin origin_of(const std::string& url) {
  const Url whole = parsed(url);
  Origin origin;
  origin.scheme = part(whole.get(), CURLUPART_SCHEME, 0, url);
  if (origin.scheme != "http" && origin.scheme != "https") fail_url(url);
  origin.host = part(whole.get(), CURLUPART_HOST, 0, url);
  std::ranges::transform(origin.host, origin.host.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  origin.port = std::atoi(part(whole.get(), CURLUPART_PORT, CURLU_DEFAULT_PORT, url).c_str());
  return origin;
}

std::string resolve_url(const std::string& base, const std::string& reference) {
  const Url url = parsed(base);
  if (curl_url_set(url.get(), CURLUPART_URL, reference.c_str(), 0) != CURLUE_OK) fail_url(reference);
  std::string result = part(url.get(), CURLUPART_URL, 0, reference);
  (void)origin_of(result);
  return result;
}

std::string encode_path(std::string_view path) {
  std::string result;
  for (const char c : path) {
    const auto byte = static_cast<unsigned char>(c);
    const bool plain = byte < 0x80 && (std::isalnum(byte) != 0 || std::string_view("-._~/").find(c) != std::string_view::npos);
    result += plain ? std::string(1, c) : fmt::format("%{:02X}", byte);
  }
  return result;
}

}  // namespace ifm
