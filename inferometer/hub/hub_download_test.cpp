#include "inferometer/hub/hub_download.h"

#include <cstdlib>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "inferometer/hub/test_hub_files.h"
#include "inferometer/net/scripted_server.h"

namespace ifm {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

const std::string kCommit(40, 'a');
const std::string kContent = "0123456789abcdefghij";

std::string answer(const std::string& status, const std::string& headers, const std::string& body) {
  return "HTTP/1.1 " + status + "\r\nConnection: close\r\n" + headers + "\r\n" + body;
}
std::string whole(const std::string& body = kContent) {
  return answer("200 OK", "Content-Length: " + std::to_string(body.size()) + "\r\n", body);
}
std::string rest(std::size_t from, const std::string& range) {
  return answer("206 Partial Content",
                "Content-Range: " + range + "\r\nContent-Length: " + std::to_string(kContent.size() - from) + "\r\n",
                kContent.substr(from));
}
std::string redirect(const std::string& to, const std::string& status = "302 Found") {
  return answer(status, "Location: " + to + "\r\nContent-Length: 0\r\n", "");
}

/// A hub that plays one answer after another, the last one for ever.
class Answers {
 public:
  explicit Answers(std::vector<std::string> answers) : answers_(std::move(answers)) { server_.scripts_get = true; }
  [[nodiscard]] const std::string& url() const { return server_.url(); }
  [[nodiscard]] std::vector<std::string> requests() const { return server_.requests(); }

 private:
  std::vector<std::string> answers_;
  std::size_t next_ = 0;
  ScriptedServer server_{[this](ScriptedConnection& connection, const std::string&) {
    connection.send(answers_[std::min(next_++, answers_.size() - 1)]);
  }};
};

class HubDownload : public HubFolderTest {
 protected:
  void SetUp() override {
    HubFolderTest::SetUp();
    options_.retry = {.tries = 3, .first_pause_ns = 0};
    settings_.cache = root_ / "hub";
    settings_.token = "secret";
  }
  [[nodiscard]] HubCache cache() const { return {settings_.cache, parse_hub_name("o/n").value()}; }
  void fetch(const std::string& endpoint, const std::vector<HubFile>& files) {
    settings_.endpoint = endpoint;
    const HubCache here = cache();
    SteadyClock clock;
    download_files({settings_, here, "o/n", kCommit}, files, options_, clock);
  }
  void fetch(const Answers& hub) { fetch(hub.url(), {file_}); }
  void begin_with(const std::string& part) {
    cache().make_folders();
    put_file(cache().part(file_.digest), part);
  }
  void expect_whole() const {
    EXPECT_EQ(content_of_file(cache().snapshot(kCommit) / file_.path), kContent);
    EXPECT_FALSE(fs::exists(cache().part(file_.digest)));
  }
  HubFile file_ = listed("m.gguf", kContent);
  HubSettings settings_;
  DownloadOptions options_;
};

TEST_F(HubDownload, AFileIsAskedForByCommitWithTheToken) {
  Answers hub({whole()});
  file_ = listed("a b/m.gguf", kContent);
  fetch(hub);
  expect_whole();
  ASSERT_EQ(hub.requests().size(), 1U);
  EXPECT_THAT(hub.requests()[0], HasSubstr("GET /o/n/resolve/" + kCommit + "/a%20b/m.gguf HTTP/1.1\r\n"));
  EXPECT_THAT(hub.requests()[0], AllOf(HasSubstr("Authorization: Bearer secret\r\n"), Not(HasSubstr("Range"))));
}

TEST_F(HubDownload, APartIsGoneOnWith) {
  begin_with(kContent.substr(0, 7));
  Answers hub({rest(7, "bytes 7-19/20")});
  fetch(hub);
  expect_whole();
  EXPECT_THAT(hub.requests()[0], HasSubstr("Range: bytes=7-\r\n"));
}

TEST_F(HubDownload, AWholePartNeedsNoHub) {
  begin_with(kContent);
  Answers hub({whole()});
  fetch(hub);
  expect_whole();
  EXPECT_TRUE(hub.requests().empty());
}

TEST_F(HubDownload, ABrokenConnectionIsTriedAgainFromThere) {
  Answers hub({answer("200 OK", "Content-Length: 20\r\n", kContent.substr(0, 4)), rest(4, "bytes 4-19/20")});
  fetch(hub);
  expect_whole();
  ASSERT_EQ(hub.requests().size(), 2U);
  EXPECT_THAT(hub.requests()[1], HasSubstr("Range: bytes=4-\r\n"));
}

TEST_F(HubDownload, AHubThatIgnoresRangesStartsOver) {
  begin_with("wrong");
  Answers hub({whole()});
  int64_t last = -1;
  options_.on_progress = [&](int64_t done, int64_t total) {
    last = done;
    EXPECT_EQ(total, 20);
  };
  fetch(hub);
  expect_whole();
  EXPECT_EQ(last, 20);
}

TEST_F(HubDownload, AnotherRangeIsRefused) {
  for (const char* range : {"bytes 6-19/20", "bytes 7-18/20", "bytes 7-19/21", "bytes 7-19/*", "7-19/20", "bytes -19/20", ""}) {
    begin_with(kContent.substr(0, 7));
    Answers hub({rest(7, range)});
    EXPECT_THAT(message_of(ErrorKind::invalid_data, [&] { fetch(hub); }), HasSubstr("another range")) << range;
    EXPECT_EQ(hub.requests().size(), 1U);
  }
}

TEST_F(HubDownload, ARangeThatIsNotThereStartsOver) {
  begin_with("wrong");
  Answers hub({answer("416 Range Not Satisfiable", "Content-Length: 0\r\n", ""), whole()});
  fetch(hub);
  expect_whole();
}

TEST_F(HubDownload, LyingLengthsAndEndlessBodiesAreRefused) {
  Answers longer({answer("200 OK", "Content-Length: 21\r\n", kContent + "!")});
  EXPECT_THAT(message_of(ErrorKind::invalid_data, [&] { fetch(longer); }), HasSubstr("answers with \"21\" bytes (expected 20)"));
  Answers endless({answer("200 OK", "", std::string(100'000, 'x'))});
  EXPECT_THAT(message_of(ErrorKind::invalid_data, [&] { fetch(endless); }), HasSubstr("more than the 20 bytes"));
  Answers packed({answer("200 OK", "Content-Encoding: gzip\r\nContent-Length: 20\r\n", kContent)});
  EXPECT_THAT(message_of(ErrorKind::invalid_data, [&] { fetch(packed); }), HasSubstr("compressed"));
  for (const Answers* hub : {&longer, &endless, &packed}) EXPECT_EQ(hub->requests().size(), 1U);
}

TEST_F(HubDownload, TriesInVainEnd) {
  Answers hub({answer("200 OK", "Content-Length: 20\r\n", "")});
  (void)message_of(ErrorKind::network, [&] { fetch(hub); });
  EXPECT_EQ(hub.requests().size(), 3U);
  Answers busy({answer("503 Busy", "Content-Length: 0\r\n", "")});
  EXPECT_THAT(message_of(ErrorKind::network, [&] { fetch(busy); }), HasSubstr("503"));
  EXPECT_EQ(busy.requests().size(), 3U);
}

TEST_F(HubDownload, RefusalsAreNotTriedAgain) {
  for (const auto& [status, kind, text] : {std::tuple{"401 Unauthorized", ErrorKind::usage, "HF_TOKEN was sent"},
                                           {"403 Forbidden", ErrorKind::usage, "accepted the licence at"},
                                           {"404 Not Found", ErrorKind::not_found, "no such model, revision or file"}}) {
    Answers hub({answer(status, "Content-Length: 0\r\n", "")});
    EXPECT_THAT(message_of(kind, [&] { fetch(hub); }), AllOf(HasSubstr(text), HasSubstr("o/n"), Not(HasSubstr("secret"))));
    EXPECT_EQ(hub.requests().size(), 1U);
  }
}

TEST_F(HubDownload, AFalseDigestIsNotTriedAgainAndLeavesNothing) {
  Answers hub({whole(std::string(20, '?'))});
  EXPECT_THAT(message_of(ErrorKind::invalid_data, [&] { fetch(hub); }), HasSubstr(file_.digest));
  EXPECT_EQ(hub.requests().size(), 1U);
  EXPECT_TRUE(fs::is_empty(cache().folder() / "blobs"));
  EXPECT_FALSE(fs::exists(cache().snapshot(kCommit)));
}

TEST_F(HubDownload, RedirectsKeepTheTokenAtHome) {
  for (const char* status : {"301 x", "302 x", "303 x", "307 x", "308 x"}) {
    fs::remove_all(settings_.cache);
    Answers store({whole()});
    Answers hub({redirect("/again?x=y", status), redirect(store.url() + "/blob?signature=z")});
    fetch(hub);
    expect_whole();
    ASSERT_EQ(hub.requests().size(), 2U);
    EXPECT_THAT(hub.requests()[1], AllOf(HasSubstr("GET /again?x=y "), HasSubstr("Bearer secret")));
    ASSERT_EQ(store.requests().size(), 1U);
    EXPECT_THAT(store.requests()[0], AllOf(HasSubstr("GET /blob?signature=z "), Not(HasSubstr("secret"))));
  }
}

TEST_F(HubDownload, TheRangeGoesAlongWithARedirect) {
  begin_with(kContent.substr(0, 7));
  Answers store({rest(7, "bytes 7-19/20")});
  Answers hub({redirect(store.url() + "/blob")});
  fetch(hub);
  expect_whole();
  EXPECT_THAT(store.requests()[0], HasSubstr("Range: bytes=7-\r\n"));
}

TEST_F(HubDownload, RedirectsThatLeadNowhereEnd) {
  Answers circle({redirect("/again")});
  EXPECT_THAT(message_of(ErrorKind::invalid_data, [&] { fetch(circle); }), HasSubstr("more than 5 redirects"));
  EXPECT_EQ(circle.requests().size(), 6U);
  Answers to_file({redirect("file:///etc/passwd")});
  EXPECT_THAT(message_of(ErrorKind::invalid_data, [&] { fetch(to_file); }), HasSubstr("file:///etc/passwd"));
  Answers to_nothing({answer("302 Found", "Content-Length: 0\r\n", "")});
  EXPECT_THAT(message_of(ErrorKind::invalid_data, [&] { fetch(to_nothing); }), HasSubstr("names no place"));
}

TEST_F(HubDownload, FromHttpsNobodyIsSentToHttp) {
  EXPECT_EQ(redirect_target("https://hub.example/a", "/b"), "https://hub.example/b");
  EXPECT_EQ(redirect_target("http://hub.example/a", "https://cdn.example/b"), "https://cdn.example/b");
  EXPECT_THAT(message_of(ErrorKind::invalid_data, [] { (void)redirect_target("https://hub.example/a", "http://hub.example/b"); }),
              HasSubstr("from https to http"));
}

TEST_F(HubDownload, OneErrorEndsAllOfThem) {
  std::vector<HubFile> files{listed("bad", std::string(100, 'x'))};  // the largest: asked for among the first
  for (int i = 0; i < 60; ++i) files.push_back(listed(fmt::format("f{}", i), fmt::format("{:08}", i)));
  ScriptedServer hub([](ScriptedConnection& connection, const std::string& request) {
    const std::size_t at = request.find("/f");
    if (at == std::string::npos) return connection.send(answer("404 Not Found", "Content-Length: 0\r\n", ""));
    connection.send(whole(fmt::format("{:08}", std::atoi(request.c_str() + at + 2))));
  });
  hub.scripts_get = true;
  (void)message_of(ErrorKind::not_found, [&] { fetch(hub.url(), files); });
  EXPECT_LT(hub.requests().size(), 40U);
}

TEST_F(HubDownload, AStopKeepsWhatCame) {
  StopSource stop;
  options_.stop = stop.get_token();
  ScriptedServer hub([](ScriptedConnection& connection, const std::string&) {
    connection.send(answer("200 OK", "Content-Length: 20\r\n", kContent.substr(0, 9)));
    connection.hang();
  });
  hub.scripts_get = true;
  options_.on_progress = [&](int64_t done, int64_t /*total*/) {
    if (done == 9) stop.request_stop();
  };
  EXPECT_THAT(message_of(ErrorKind::interrupted, [&] { fetch(hub.url(), {file_}); }), HasSubstr("what has come is kept"));
  EXPECT_EQ(content_of_file(cache().part(file_.digest)), kContent.substr(0, 9));
  EXPECT_EQ(missing_bytes(cache(), std::vector{file_}), 11);
}

TEST_F(HubDownload, EmptyFilesAndTwinsAreFiles) {
  Answers hub({whole()});
  fetch(hub.url(), {listed("empty", "", false), file_, listed("twin.gguf", kContent)});
  EXPECT_EQ(content_of_file(cache().snapshot(kCommit) / "empty"), "");
  EXPECT_EQ(content_of_file(cache().snapshot(kCommit) / "twin.gguf"), kContent);
  EXPECT_EQ(hub.requests().size(), 1U);
  EXPECT_EQ(missing_bytes(cache(), std::vector{file_}), 0);
}

}  // namespace
}  // namespace ifm
