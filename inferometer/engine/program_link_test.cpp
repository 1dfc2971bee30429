#include "inferometer/engine/program_link.h"

#include <gtest/gtest.h>

#include "inferometer/base/subprocess.h"
#include "inferometer/base/this_program.h"

namespace ifm {
namespace {

TEST(ProgramLink, LeadsToTheProgramUnderAPathOfTheLengthAskedForAndIsGoneAfterwards) {
  std::filesystem::path seen;
  {
    const ProgramLink shorter("/bin/echo", 1);
    const ProgramLink longer("/bin/echo", 200);
    EXPECT_EQ(longer.path().string().size(), shorter.path().string().size() + 199);
    EXPECT_EQ(run_process({longer.path().string(), "here"}).output, "here\n");
    seen = longer.path();
  }
  EXPECT_FALSE(std::filesystem::exists(std::filesystem::symlink_status(seen)));
}

TEST(ProgramLink, WithoutATemporaryFolderIsTheProgramItself) {
  const char* old = std::getenv("TMPDIR");
  const std::string kept = old == nullptr ? "" : old;
  ::setenv("TMPDIR", "/nowhere", 1);
  EXPECT_EQ(ProgramLink("/bin/echo", 5).path(), "/bin/echo");
  old == nullptr ? ::unsetenv("TMPDIR") : ::setenv("TMPDIR", kept.c_str(), 1);
}

}  // namespace
}  // namespace ifm
