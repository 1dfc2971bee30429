#pragma once

#include <filesystem>
#include <fstream>
#include <string>

#include <gtest/gtest.h>

#include "inferometer/base/test_folder.h"

/// For the tests of this folder.
namespace ifm {

/// A folder that plays the root of an OS.
class FakeRoot : public testing::Test {
 protected:
  void put(const std::string& path, const std::string& text) const {
    std::filesystem::create_directories((root() / path).parent_path());
    std::ofstream(root() / path) << text;
  }
  [[nodiscard]] const std::filesystem::path& root() const { return folder_.path(); }

 private:
  test::TempFolder folder_;
};

}  // namespace ifm
