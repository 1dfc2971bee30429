#include "inferometer/base/subprocess.h"

#include <csignal>
#include <cstdlib>

#include <gtest/gtest.h>

#include "inferometer/base/error.h"

namespace ifm {
namespace {

TEST(RunProcess, CapturesBothStreamsAndTheExitCode) {
  const ProcessResult result = run_process({"sh", "-c", "printf out; printf err >&2; exit 7"});
  EXPECT_EQ(result.output, "out");
  EXPECT_EQ(result.error, "err");
  EXPECT_EQ(result.exit.code, 7);
  EXPECT_EQ(result.exit.signal, 0);
  EXPECT_FALSE(result.ok());
}

TEST(RunProcess, PassesArgumentsAsTheyAre) {
  const ProcessResult result = run_process({"printf", "%s|", "a b", "$HOME", "`id`", "*", ""});
  EXPECT_EQ(result.output, "a b|$HOME|`id`|*||");
  EXPECT_TRUE(result.ok());
}

TEST(RunProcess, FeedsAndDrainsMoreThanAPipeHolds) {
  const std::string text(3'000'000, 'x');
  const ProcessResult result = run_process({"cat"}, {.input = text});
  EXPECT_TRUE(result.output == text);
}

TEST(RunProcess, AChildThatIgnoresItsInputIsNoError) {
  const ProcessResult result = run_process({"true"}, {.input = std::string(3'000'000, 'x')});
  EXPECT_TRUE(result.ok());
}

TEST(RunProcess, DropsWhatIsBeyondTheLimit) {
  const ProcessResult result = run_process({"cat"}, {.input = std::string(1000, 'x'), .output_limit = 10});
  EXPECT_EQ(result.output, std::string(10, 'x'));
  EXPECT_TRUE(result.ok());
}

TEST(RunProcess, KillsAtTheTimeLimitEvenWhenItsChildrenHoldThePipes) {
  const ProcessResult result = run_process({"sh", "-c", "echo begun; sleep 9 & exec sleep 9"}, {.timeout_ms = 300});
  EXPECT_TRUE(result.timed_out);
  EXPECT_EQ(result.exit.signal, SIGKILL);
  EXPECT_EQ(result.output, "begun\n");
  EXPECT_FALSE(result.ok());
}

TEST(RunProcess, SaysWhichSignalEndedIt) {
  const ProcessResult result = run_process({"sh", "-c", "kill -TERM $$"});
  EXPECT_EQ(result.exit.signal, SIGTERM);
  EXPECT_EQ(result.exit.code, 128 + SIGTERM);
}

TEST(RunProcess, NamesAProgramThatIsNotThere) {
  try {
    (void)run_process({"ifm-no-such-program"});
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::not_found);
    EXPECT_EQ(error.message(), "ifm-no-such-program: no such program");
  }
}

TEST(RunProcess, EnvironmentReplacesAndAdds) {
  ::setenv("IFM_TEST_ONE", "old", 1);
  ::setenv("IFM_TEST_TWO", "kept", 1);
  const ProcessResult result = run_process({"sh", "-c", "echo $IFM_TEST_ONE $IFM_TEST_TWO $IFM_TEST_THREE"},
                                           {.environment = {{"IFM_TEST_ONE", "new"}, {"IFM_TEST_THREE", "added"}}});
  EXPECT_EQ(result.output, "new kept added\n");
}

TEST(ChildProcess, TalksBothWays) {
  ChildProcess child({"cat"});
  child.write("hello\n");
  std::string got;
  while (got.size() < 6) ASSERT_TRUE(child.read_some(got));
  EXPECT_EQ(got, "hello\n");
  EXPECT_FALSE(child.wait_for(0).has_value());
  child.close_input();
  EXPECT_FALSE(child.read_some(got));
  EXPECT_EQ(child.wait().code, 0);
  EXPECT_EQ(child.wait().code, 0);
}

TEST(ChildProcess, WritingToAnEndedChildIsAnErrorNotASignal) {
  ChildProcess child({"true"});
  child.wait();
  try {
    child.write("x");
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::io);
  }
}

TEST(ChildProcess, TheDestructorKillsAndReaps) {
  pid_t pid = 0;
  {
    ChildProcess child({"cat"}, {.own_group = true});
    pid = child.pid();
    EXPECT_EQ(::kill(pid, 0), 0);
  }
  EXPECT_NE(::kill(pid, 0), 0);
}

TEST(ChildProcess, AGroupEndsWithItsFirstProcess) {
  ChildProcess shell({"sh", "-c", "sleep 600 & echo $!"}, {.own_group = true});
  std::string grandchild;
  ASSERT_TRUE(shell.read_some(grandchild));
  EXPECT_EQ(shell.wait().code, 0);
  // Its end closes the last writing end of the pipe; a grandchild that lives on would hold it for ten minutes.
  EXPECT_FALSE(shell.read_some(grandchild));
  EXPECT_EQ(shell.wait().code, 0);
}

TEST(ChildProcess, MovingKeepsTheChild) {
  ChildProcess first({"cat"});
  ChildProcess second(std::move(first));
  second.write("x");
  second.close_input();
  std::string got;
  while (second.read_some(got)) {
  }
  EXPECT_EQ(got, "x");
  EXPECT_EQ(second.wait().code, 0);
}

}  // namespace
}  // namespace ifm
