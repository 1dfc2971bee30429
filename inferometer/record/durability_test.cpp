// What a results file holds after any end of the program or the machine: the order in which SQLite writes and syncs is recorded
// and replayed up to every point, and every single call is made to fail once.
#include <cstddef>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "inferometer/base/error.h"
#include "inferometer/base/rng.h"
#include "inferometer/base/test_folder.h"
#include "inferometer/record/store.h"
#include "inferometer/record/test_vfs.h"

namespace ifm {
namespace {

using test::FileEvent;
using test::TestVfs;

constexpr const char* kName = "inferometer.db";

class Durability : public testing::Test {
 protected:
  [[nodiscard]] std::filesystem::path folder(const std::string& name) const { return folder_.path() / name; }

 private:
  test::TempFolder folder_;
};

Session some_session() {
  Session session;
  session.plan.name = "durable";
  session.plan.source = "version: 1\n";
  return session;
}

ifm::Run run_at(int order, std::size_t text) {
  ifm::Run run;
  run.order = order;
  run.repeat = order;
  run.engine = "simulated";
  run.text.assign(text, static_cast<char>('a' + order % 26));
  return run;
}

/// What the events before `events` had acknowledged.
struct Acknowledged {
  std::size_t events = 0;
  int runs = 0;
};

/// How many runs a file holds, from the first on without a gap; null when it holds no session yet. @throws Error for one that
/// cannot be read.
std::optional<int> whole_runs(const std::filesystem::path& file) {
  if (!std::filesystem::exists(file) || std::filesystem::file_size(file) == 0) return std::nullopt;
  const Store store(file, Store::Access::write);
  if (store.sessions().empty()) return std::nullopt;
  const std::vector<ifm::Run> runs = store.runs(store.sessions().front());
  for (std::size_t i = 0; i < runs.size(); ++i) EXPECT_EQ(runs[i].order, static_cast<int>(i));
  return static_cast<int>(runs.size());
}

/// Writes a session and its runs, of a size at which the log is put back into the file once.
std::vector<Acknowledged> record(const std::filesystem::path& file, const TestVfs& vfs) {
  constexpr int kRuns = 14;
  constexpr std::size_t kText = std::size_t{400} << 10U;
  std::vector<Acknowledged> acknowledged{{0, -1}};
  std::filesystem::create_directories(file.parent_path());
  Store store(file, Store::Access::write);
  const int64_t session = store.add_session(some_session());
  acknowledged.push_back({vfs.events().size(), 0});
  for (int i = 0; i < kRuns; ++i) {
    store.add_run(session, run_at(i, kText));
    acknowledged.push_back({vfs.events().size(), i + 1});
  }
  return acknowledged;
}

/// Runs that must be there after so many events; −1: no session need be there.
int least_after(const std::vector<Acknowledged>& acknowledged, std::size_t events) {
  int runs = -1;
  for (const Acknowledged& a : acknowledged)
    if (a.events <= events) runs = a.runs;
  return runs;
}

/// @throws nothing: what is wrong is a failure of the test.
void expect_at_least(const std::filesystem::path& folder, int least, const std::string& what) {
  try {
    const std::optional<int> runs = whole_runs(folder / kName);
    if (least < 0) return;
    ASSERT_TRUE(runs.has_value()) << what << ": the session is lost";
    EXPECT_GE(*runs, least) << what;
    EXPECT_LE(*runs, least + 1) << what << ": at most one run was written whose acknowledgement was cut off";
  } catch (const Error& error) {
    EXPECT_LT(least, 0) << what << ": " << error.message();
  }
}

TEST_F(Durability, Fault68AndFault62AfterEveryPrefixOfItsWritesTheFileHoldsWhatWasAcknowledged) {
  TestVfs vfs;
  const std::vector<Acknowledged> acknowledged = record(folder("live") / kName, vfs);
  const std::vector<FileEvent> events = vfs.events();
  int checkpoints = 0;
  for (std::size_t i = 0; i < events.size(); ++i)
    checkpoints += events[i].file == kName && i > acknowledged[1].events && events[i].kind == FileEvent::Kind::sync ? 1 : 0;
  EXPECT_GE(checkpoints, 1) << "the log was never put back, so that this test has not seen it happen";
  test::ReplayedFolder replayed;
  std::size_t done = 0;
  int states = 0;
  for (std::size_t size = 0; size <= events.size(); ++size) {
    for (; done < size; ++done) replayed.apply(events[done]);
    // Each write of a run's pages looks like the next: around syncs every one, of the others some.
    const auto near_sync = [&](std::size_t at) { return at < events.size() && events[at].kind != FileEvent::Kind::write; };
    if (size % 61 != 0 && !near_sync(size) && !(size > 0 && near_sync(size - 1)) && !near_sync(size + 1)) continue;
    replayed.write_to(folder("replay"));
    expect_at_least(folder("replay"), least_after(acknowledged, size), "after " + std::to_string(size) + " events");
    ++states;
  }
  EXPECT_GT(states, 100);
}

// A machine that loses its power keeps what was synced, and of what was written since any part.
TEST_F(Durability, Fault68AfterAPowerLossTheFileHoldsWhatWasAcknowledged) {
  TestVfs vfs;
  const std::vector<Acknowledged> acknowledged = record(folder("live") / kName, vfs);
  const std::vector<FileEvent> events = vfs.events();
  Rng rng(7);
  for (int trial = 0; trial < 200; ++trial) {
    const auto end = static_cast<std::size_t>(rng.below(events.size() + 1));
    test::ReplayedFolder replayed;
    for (std::size_t i = 0; i < end; ++i) {
      const FileEvent& event = events[i];
      bool synced = event.kind != FileEvent::Kind::write && event.kind != FileEvent::Kind::truncate;
      for (std::size_t later = i + 1; later < end && !synced; ++later)
        synced = events[later].kind == FileEvent::Kind::sync && events[later].file == event.file;
      if (synced) {
        replayed.apply(event);
      } else if (rng.below(2) == 0) {
        FileEvent torn = event;
        if (!torn.bytes.empty() && rng.below(4) == 0) torn.bytes.resize(torn.bytes.size() / 2);
        replayed.apply(torn);
      }
    }
    replayed.write_to(folder("replay"));
    expect_at_least(folder("replay"), least_after(acknowledged, end),
                    "trial " + std::to_string(trial) + ", " + std::to_string(end) + " events");
  }
}

class FailingDisk : public Durability, public testing::WithParamInterface<TestVfs::Failure> {};

TEST_P(FailingDisk, EveryCallThatFailsIsSaidAndLosesNoAcknowledgedRun) {
  constexpr int kRuns = 4;
  int failures = 0;
  for (int calls = 0;; ++calls) {
    TestVfs vfs;
    vfs.fail_after(calls, GetParam());
    std::filesystem::remove_all(folder("disk"));
    std::filesystem::create_directories(folder("disk"));
    const std::filesystem::path file = folder("disk") / kName;
    int acknowledged = -1;
    std::string message;
    try {
      Store store(file, Store::Access::write);
      const int64_t session = store.add_session(some_session());
      acknowledged = 0;
      for (int i = 0; i < kRuns; ++i) {
        store.add_run(session, run_at(i, 9000));
        acknowledged = i + 1;
      }
    } catch (const Error& error) {
      message = error.message();
      EXPECT_EQ(error.kind(), ErrorKind::io) << message;
      EXPECT_NE(message.find(kName), std::string::npos) << message;
    }
    const bool failed = vfs.failed();
    vfs.heal();
    expect_at_least(folder("disk"), acknowledged, "call " + std::to_string(calls) + " failed: " + message);
    if (!failed) break;
    ++failures;
    // What fails while the file is closed may be unheard: nothing was promised after the last run.
    if (acknowledged < kRuns) {
      EXPECT_NE(message, "") << "call " << calls;
    }
  }
  EXPECT_GT(failures, 5);
}

INSTANTIATE_TEST_SUITE_P(Fault69, FailingDisk,
                         testing::Values(TestVfs::Failure::io_error, TestVfs::Failure::disk_full, TestVfs::Failure::failed_sync),
                         [](const auto& row) {
                           switch (row.param) {
                             case TestVfs::Failure::io_error:
                               return "IoError";
                             case TestVfs::Failure::disk_full:
                               return "DiskFull";
                             case TestVfs::Failure::failed_sync:
                               return "FailedSync";
                           }
                           return "";
                         });

}  // namespace
}  // namespace ifm
