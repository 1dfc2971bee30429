#include "inferometer/net/url.h"

#include <gtest/gtest.h>

#include "inferometer/base/error.h"

namespace ifm {
namespace {

TEST(Url, OriginsDifferInSchemeHostOrPort) {
  const Origin hub = origin_of("https://hub.example/a/b?c=d");
  EXPECT_EQ(hub, (Origin{"https", "hub.example", 443}));
  EXPECT_EQ(origin_of("https://HUB.example:443/"), hub);
  EXPECT_NE(origin_of("http://hub.example/"), hub);
  EXPECT_NE(origin_of("https://hub.example:444/"), hub);
  EXPECT_NE(origin_of("https://hub.example.org/"), hub);
  // What stands before an @ is no host.
  EXPECT_EQ(origin_of("https://hub.example@evil.example/").host, "evil.example");
}

TEST(Url, ReferencesAreReadAsOnAPage) {
  const std::string base = "http://hub.example:8080/owner/name/resolve/main/x?y=z";
  EXPECT_EQ(resolve_url(base, "/api/a?b=c"), "http://hub.example:8080/api/a?b=c");
  EXPECT_EQ(resolve_url(base, "other"), "http://hub.example:8080/owner/name/resolve/main/other");
  EXPECT_EQ(resolve_url(base, "https://cdn.example/x"), "https://cdn.example/x");
  EXPECT_EQ(origin_of(resolve_url(base, "//cdn.example/x")), (Origin{"http", "cdn.example", 80}));
}

TEST(Url, OtherSchemesAreRefusedWithoutTheirQuery) {
  for (const char* bad : {"file:///etc/passwd", "ftp://x/y?secret", "gopher://x", ""}) {
    try {
      (void)resolve_url("https://hub.example/", bad);
      if (*bad != '\0') ADD_FAILURE() << bad;
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::invalid_data);
      EXPECT_EQ(error.message().find("secret"), std::string::npos);
    }
  }
}

TEST(Url, PathsAreEncodedByteByByte) {
  EXPECT_EQ(encode_path("a/b-c_d.e~f"), "a/b-c_d.e~f");
  EXPECT_EQ(encode_path("a b?c#d%\xc3\xa9"), "a%20b%3Fc%23d%25%C3%A9");
}

}  // namespace
}  // namespace ifm
