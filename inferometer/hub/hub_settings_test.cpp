#include "inferometer/hub/hub_settings.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "inferometer/hub/test_hub_files.h"

namespace ifm {
namespace {

using ::testing::HasSubstr;

class HubEnvironment : public HubFolderTest {};

TEST_F(HubEnvironment, WithoutVariablesItIsTheToolsDefault) {
  const HubSettings settings = hub_settings_from_environment();
  EXPECT_EQ(settings.endpoint, "https://huggingface.co");
  EXPECT_EQ(settings.token, "");
  EXPECT_EQ(settings.cache, root_ / ".cache/huggingface/hub");
  EXPECT_FALSE(settings.offline);
}

TEST_F(HubEnvironment, TheCacheIsTheVariableThenHfHomeThenXdg) {
  ::setenv("XDG_CACHE_HOME", "/xdg", 1);
  EXPECT_EQ(hub_cache_folder(), "/xdg/huggingface/hub");
  ::setenv("HF_HOME", "/hf", 1);
  EXPECT_EQ(hub_cache_folder(), "/hf/hub");
  ::setenv("HUGGINGFACE_HUB_CACHE", "/old", 1);
  EXPECT_EQ(hub_cache_folder(), "/old");
  ::setenv("HF_HUB_CACHE", "/new", 1);
  EXPECT_EQ(hub_cache_folder(), "/new");
}

TEST_F(HubEnvironment, TheTokenIsTheVariableThenTheFile) {
  put_file(root_ / ".cache/huggingface/token", "default\n");
  EXPECT_EQ(hub_settings_from_environment().token, "default");
  put_file(root_ / "elsewhere", " named\r\n");
  ::setenv("HF_TOKEN_PATH", (root_ / "elsewhere").c_str(), 1);
  EXPECT_EQ(hub_settings_from_environment().token, "named");
  ::setenv("HF_TOKEN", "variable\n", 1);
  EXPECT_EQ(hub_settings_from_environment().token, "variable");
}

TEST_F(HubEnvironment, WhatCannotBeMeantIsRefusedWithoutSayingTheToken) {
  ::setenv("HF_TOKEN", "sec\x01ret", 1);
  const std::string message = message_of(ErrorKind::usage, [] { (void)hub_settings_from_environment(); });
  EXPECT_THAT(message, HasSubstr("HF_TOKEN: holds no token"));
  EXPECT_EQ(message.find("ret"), std::string::npos);
  ::unsetenv("HF_TOKEN");
  ::setenv("HF_ENDPOINT", "ftp://x", 1);
  EXPECT_THAT(message_of(ErrorKind::usage, [] { (void)hub_settings_from_environment(); }), HasSubstr("HF_ENDPOINT"));
}

TEST_F(HubEnvironment, OfflineAndEndpointAreRead) {
  ::setenv("HF_ENDPOINT", "https://mirror.example//", 1);
  EXPECT_EQ(hub_settings_from_environment().endpoint, "https://mirror.example");
  for (const char* yes : {"1", "true", "Yes", "ON"}) {
    ::setenv("HF_HUB_OFFLINE", yes, 1);
    EXPECT_TRUE(hub_settings_from_environment().offline) << yes;
  }
  ::setenv("HF_HUB_OFFLINE", "0", 1);
  EXPECT_FALSE(hub_settings_from_environment().offline);
}

}  // namespace
}  // namespace ifm
