#include "inferometer/format/safetensors.h"

#include <sys/stat.h>

#include <limits>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "inferometer/base/test_fault_name.h"
#include "inferometer/format/safetensors_header.h"
#include "inferometer/format/test_files.h"

namespace ifm {
namespace {

namespace fs = std::filesystem;
using test::bytes_of_text;
using test::expect_error;
using test::fault_name;
using test::raw;
using test::TempFolder;
using test::tensor;

std::string file_of(const std::string& header, std::size_t data_bytes) {
  return raw(uint64_t{header.size()}) + header + std::string(data_bytes, 'x');
}

SafetensorsContent parse(const std::string& file) { return parse_safetensors(bytes_of_text(file), "f.safetensors"); }

constexpr const char* kGood =
    R"({"__metadata__":{"format":"mlx"},"b":{"dtype":"F16","shape":[2,3],"data_offsets":[4,16]},)"
    R"("a":{"dtype":"F32","shape":[],"data_offsets":[0,4]},"z":{"dtype":"U8","shape":[0,7],"data_offsets":[16,16]}}  )";

TEST(SafetensorsHeader, Fault13And3RankZeroZeroDimensionAndPaddingAreRead) {
  const std::string file = file_of(kGood, 16);
  const SafetensorsContent content = parse(file);
  ASSERT_EQ(content.tensors.size(), 3U);
  EXPECT_EQ(content.tensors[0].name, "a");
  EXPECT_EQ(content.tensors[0].dtype, DType::f32);
  EXPECT_TRUE(content.tensors[0].shape.empty());
  EXPECT_EQ(content.tensors[1].name, "b");
  EXPECT_THAT(content.tensors[1].shape, testing::ElementsAre(2, 3));
  EXPECT_EQ(content.tensors[1].bytes.size(), 12U);
  EXPECT_EQ(reinterpret_cast<const char*>(content.tensors[1].bytes.data()) - file.data(),
            static_cast<std::ptrdiff_t>(file.size() - 12));
  EXPECT_EQ(content.tensors[2].bytes.size(), 0U);
  EXPECT_EQ(content.metadata.at("format"), "mlx");
  EXPECT_TRUE(parse(file_of("{}", 0)).tensors.empty());
}

TEST(SafetensorsHeader, RejectsEveryTruncatedPrefixAndExtraBytes) {
  const std::string file = file_of(kGood, 16);
  for (std::size_t length = 0; length < file.size(); ++length) {
    expect_error([&] { (void)parse(file.substr(0, length)); }, ErrorKind::invalid_data,
                 "f.safetensors: ", fmt::format("{} bytes", length));
  }
  expect_error([&] { (void)parse(file + "x"); }, ErrorKind::invalid_data, "1 bytes after the last tensor", "extra byte");
}

struct HeaderFault {
  const char* label;  // number in docs/faults.md
  std::string header;
  std::size_t data_bytes;
  const char* message;
  ErrorKind kind = ErrorKind::invalid_data;
};

std::string one(const std::string& fields) { return std::string(R"({"t":{)") + fields + "}}"; }

std::vector<HeaderFault> header_faults() {
  const std::string good = R"("dtype":"U8","shape":[4],"data_offsets":[0,4])";
  return {
      {"3 not UTF-8", std::string("{\"\xff\":{") + good + "}}", 4, "not valid JSON at byte"},
      {"3 leading space", std::string(" ") + one(good), 4, "does not begin with '{'"},
      {"3 byte order mark", std::string("\xEF\xBB\xBF") + one(good), 4, "does not begin with '{'"},
      {"3 trailing garbage", one(good) + "x", 4, "not valid JSON at byte"},
      {"3 trailing NUL", one(good) + std::string(1, '\0'), 4, "NUL"},
      {"3 array", "[]", 0, "does not begin with '{'"},
      {"3 comment", "{/**/}", 0, "not valid JSON"},
      {"4 duplicate tensor", std::string(R"({"t":{)") + good + R"(},"t":{)" + good + "}}", 4, "tensor \"t\": stands twice"},
      {"4 duplicate escaped", std::string(R"({"t":{)") + good + R"(},"\u0074":{)" + good + "}}", 4, "stands twice"},
      {"4 duplicate field", one(good + R"(,"dtype":"U8")"), 4, "field \"dtype\" twice"},
      {"4 duplicate metadata", R"({"__metadata__":{"a":"1","a":"2"}})", 0, "key \"a\" twice"},
      {"5 nested arrays", std::string("{\"t\":") + std::string(100'000, '['), 0, "an array instead of an object"},
      {"5 nested shape", one(std::string(R"("dtype":"U8","shape":)") + std::string(100'000, '[')), 0, "expected integers from 0"},
      {"6 negative offset", one(R"("dtype":"U8","shape":[4],"data_offsets":[-4,0])"), 4, "a negative number"},
      {"6 float offset", one(R"("dtype":"U8","shape":[4],"data_offsets":[0.0,4])"), 4, "no integer"},
      {"6 exponent", one(R"("dtype":"U8","shape":[4],"data_offsets":[0,4e0])"), 4, "no integer"},
      {"6 string offset", one(R"("dtype":"U8","shape":[4],"data_offsets":["0",4])"), 4, "a string"},
      {"6 reversed", one(R"("dtype":"U8","shape":[4],"data_offsets":[4,0])"), 4, "in order"},
      {"6 one offset", one(R"("dtype":"U8","shape":[4],"data_offsets":[4])"), 4, "in order"},
      {"6 three offsets", one(R"("dtype":"U8","shape":[4],"data_offsets":[0,4,4])"), 4, "in order"},
      {"7 wraps to 4", one(R"("dtype":"U8","shape":[4294967296,4294967296,4],"data_offsets":[0,4])"), 4, "overflows"},
      {"7 bits wrap", one(R"("dtype":"F64","shape":[4611686018427387904],"data_offsets":[0,0])"), 0, "overflow"},
      {"7 -1", one(R"("dtype":"U8","shape":[-1],"data_offsets":[0,4])"), 4, "a negative number"},
      {"7 2^64", one(R"("dtype":"U8","shape":[18446744073709551616],"data_offsets":[0,4])"), 4, "no integer"},
      {"7 huge rank",
       one(std::string(R"("dtype":"U8","shape":[1)") + std::string(2000, ' ') +
           fmt::format("{}", fmt::join(std::vector<std::string>(80, ",1"), "")) + R"(],"data_offsets":[0,1])"),
       1, "more than 64"},
      {"8 size", one(R"("dtype":"U8","shape":[3],"data_offsets":[0,4])"), 4, "span 4 bytes (expected 3"},
      {"9 overlap",
       R"({"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]},"b":{"dtype":"U8","shape":[4],"data_offsets":[2,6]}})", 6,
       "begins at data byte 2 (expected 4"},
      {"9 hole", R"({"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]},"b":{"dtype":"U8","shape":[4],"data_offsets":[5,9]}})",
       9, "begins at data byte 5 (expected 4"},
      {"9 trailing bytes", one(good), 5, "1 bytes after the last tensor"},
      {"9 no tensors", "{}", 1, "1 bytes after the last tensor"},
      {"10 unknown dtype", one(R"("dtype":"F7","shape":[4],"data_offsets":[0,4])"), 4, "unknown dtype \"F7\""},
      {"10 lower case", one(R"("dtype":"f32","shape":[1],"data_offsets":[0,4])"), 4, "unknown dtype \"f32\""},
      {"10 misaligned F4", one(R"("dtype":"F4","shape":[3],"data_offsets":[0,1])"), 1, "do not fill whole bytes"},
      {"10 F8 not held", one(R"("dtype":"F8_E4M3","shape":[4],"data_offsets":[0,4])"), 4, "tensor \"t\" has dtype F8_E4M3",
       ErrorKind::unsupported},
      {"10 aligned F4 not held", one(R"("dtype":"F4","shape":[8],"data_offsets":[0,4])"), 4, "dtype F4", ErrorKind::unsupported},
      {"11 metadata number", R"({"__metadata__":{"a":1}})", 0, "expected a string"},
      {"11 metadata null", R"({"__metadata__":null})", 0, "null instead of an object"},
      {"11 metadata nested", R"({"__metadata__":{"a":{"b":"c"}}})", 0, "expected a string"},
      {"12 offset wraps", one(R"("dtype":"U8","shape":[4],"data_offsets":[18446744073709551612,18446744073709551615])"), 4,
       "ends past the end of the file"},
      {"12 past the end", one(R"("dtype":"U8","shape":[4],"data_offsets":[1,5])"), 4,
       "ends past the end of the file (expected 5 data bytes, got 4)"},
      {"missing dtype", one(R"("shape":[4],"data_offsets":[0,4])"), 4, "\"dtype\" is missing"},
      {"missing shape", one(R"("dtype":"U8","data_offsets":[0,4])"), 4, "\"shape\" is missing"},
      {"missing offsets", one(R"("dtype":"U8","shape":[4])"), 4, "\"data_offsets\" is missing"},
      {"unknown field", one(good + R"(,"strides":[1])"), 4, "unknown field \"strides\""},
      {"dtype number", one(R"("dtype":1,"shape":[4],"data_offsets":[0,4])"), 4, "a number"},
      {"dtype array", one(R"("dtype":[1],"shape":[4],"data_offsets":[0,4])"), 4, "an array"},
      {"shape null", one(R"("dtype":"U8","shape":null,"data_offsets":[0,4])"), 4, "null"},
      {"shape true", one(R"("dtype":"U8","shape":[true],"data_offsets":[0,4])"), 4, "a boolean"},
      {"tensor is a string", R"({"t":"x"})", 0, "instead of an object"},
  };
}

class SafetensorsHeaderRefuses : public testing::TestWithParam<HeaderFault> {};

TEST_P(SafetensorsHeaderRefuses, SayingWhatIsWrong) {
  const HeaderFault& fault = GetParam();
  expect_error([&] { (void)parse(file_of(fault.header, fault.data_bytes)); }, fault.kind, fault.message, fault.label);
}

INSTANTIATE_TEST_SUITE_P(Faults, SafetensorsHeaderRefuses, testing::ValuesIn(header_faults()),
                         [](const auto& row) { return fault_name(row.param.label); });

TEST(SafetensorsHeader, Fault2EachWrongHeaderLengthIsRefused) {
  for (const uint64_t length :
       {uint64_t{0}, uint64_t{1}, std::numeric_limits<uint64_t>::max(), uint64_t{100'000'001}, uint64_t{3}}) {
    expect_error([&] { (void)parse(raw(length) + "{}"); }, ErrorKind::invalid_data, fmt::format("{}", length),
                 fmt::format("{}", length));
  }
}

TEST(SafetensorsHeader, Fault70MessageEscapesControlCharactersOfNames) {
  expect_error([] { (void)parse(file_of(R"({"a\n\u001b[31mb":{}})", 0)); }, ErrorKind::invalid_data, R"("a\x0a\x1b[31mb")",
               "newline");
}

TEST(Safetensors, Fault1WhatIsNoRegularFileIsRefusedWithoutBlocking) {
  const TempFolder folder;
  expect_error([&] { (void)Safetensors::open_file(folder.path()); }, ErrorKind::invalid_data, "a directory", "directory");
  const fs::path fifo = folder.path() / "fifo";
  ASSERT_EQ(::mkfifo(fifo.c_str(), 0600), 0);
  expect_error([&] { (void)Safetensors::open_file(fifo); }, ErrorKind::invalid_data, "not a regular file", "FIFO");
  expect_error([&] { (void)Safetensors::open_file(folder.path() / "none"); }, ErrorKind::not_found, "none", "absent");
  expect_error([&] { (void)Safetensors::open_file(folder.write("short", "1234567")); }, ErrorKind::invalid_data,
               "expected 8 bytes, got 7", "short");
}

std::vector<TensorToWrite> some_tensors() {
  return {tensor("layer.weight", DType::u32, {4, 8}, 1), tensor("layer.scales", DType::bf16, {4, 2}, 2),
          tensor("odd", DType::u8, {3}, 3), tensor("after odd", DType::f32, {2, 2, 2}, 4), tensor("empty", DType::f16, {0}, 5)};
}

TEST(SafetensorsWriter, RoundTripKeepsEverything) {
  const TempFolder folder;
  const fs::path file = folder.path() / "x.safetensors";
  const auto tensors = some_tensors();
  write_safetensors(file, tensors, {{"format", "mlx"}, {"quote", "a\"b\n"}});
  const Safetensors read = Safetensors::open_file(file);
  EXPECT_THAT(read.metadata(), testing::ElementsAre(std::pair("format", "mlx"), std::pair("quote", "a\"b\n")));
  ASSERT_EQ(read.tensors().size(), tensors.size());
  for (const TensorToWrite& written : tensors) {
    const TensorView* view = read.find(written.name);
    ASSERT_NE(view, nullptr) << written.name;
    EXPECT_EQ(view->dtype, written.dtype);
    EXPECT_EQ(view->shape, written.shape);
    EXPECT_THAT(view->bytes, testing::ElementsAreArray(written.produce()));
  }
  EXPECT_EQ(read.find("missing"), nullptr);
  EXPECT_THAT(read.paths(), testing::ElementsAre(file));
  EXPECT_EQ(reinterpret_cast<uintptr_t>(read.find("layer.weight")->bytes.data()) % 64, 0U);
  EXPECT_EQ(std::distance(fs::directory_iterator(folder.path()), {}), 1);
}

TEST(SafetensorsWriter, LeavesNothingAndKeepsTheOldFileWhenATensorCannotBeMade) {
  const TempFolder folder;
  const fs::path file = folder.write("x.safetensors", "old");
  auto tensors = some_tensors();
  tensors[2].produce = []() -> std::vector<std::byte> { throw Error(ErrorKind::io, "source is gone"); };
  expect_error([&] { write_safetensors(file, tensors, {}); }, ErrorKind::io, "source is gone", "produce throws");
  EXPECT_EQ(test::read_file(file), "old");
  EXPECT_EQ(std::distance(fs::directory_iterator(folder.path()), {}), 1);
  expect_error([&] { write_safetensors(folder.path() / "no" / "x", tensors, {}); }, ErrorKind::io, "temporary file", "no folder");
}

TEST(SafetensorsWriterDeathTest, WrongSizeIsABug) {
  const TempFolder folder;
  std::vector<TensorToWrite> tensors = {tensor("t", DType::f32, {2})};
  tensors[0].produce = [] { return std::vector<std::byte>(7); };
  EXPECT_EXIT(write_safetensors(folder.path() / "x", tensors, {}), testing::ExitedWithCode(70), "byte_size");
}

class ShardedFolder : public testing::Test {
 protected:
  void SetUp() override {
    const std::vector<TensorToWrite> first = {tensor("a", DType::f32, {4})};
    const std::vector<TensorToWrite> second = {tensor("b", DType::f32, {2}), tensor("c", DType::f16, {2})};
    write_safetensors(model() / "m-00001-of-00002.safetensors", first, {});
    write_safetensors(model() / "m-00002-of-00002.safetensors", second, {});
    fs::copy(model() / "m-00001-of-00002.safetensors", outer_.path() / "outside.safetensors");
    index(R"({"metadata":{"total_size":28},"weight_map":{"a":"m-00001-of-00002.safetensors",)"
          R"("c":"m-00002-of-00002.safetensors","b":"m-00002-of-00002.safetensors"}})");
  }
  [[nodiscard]] fs::path model() const {
    fs::create_directories(outer_.path() / "model");
    return outer_.path() / "model";
  }
  void index(const std::string& json) const { (void)outer_.write("model/model.safetensors.index.json", json); }
  void index_of_a(const std::string& shard) const {
    index(R"({"weight_map":{"a":")" + shard + R"(","b":"m-00002-of-00002.safetensors","c":"m-00002-of-00002.safetensors"}})");
  }
  void expect_refused(std::string_view part, ErrorKind kind = ErrorKind::invalid_data) const {
    expect_error([this] { (void)Safetensors::open_folder(model()); }, kind, part, std::string(part));
  }
  TempFolder outer_;
};

TEST_F(ShardedFolder, JoinsTheShardsOfTheIndex) {
  const Safetensors read = Safetensors::open_folder(model());
  EXPECT_EQ(read.tensors().size(), 3U);
  EXPECT_EQ(read.find("c")->dtype, DType::f16);
  EXPECT_THAT(read.paths(),
              testing::ElementsAre(model() / "m-00001-of-00002.safetensors", model() / "m-00002-of-00002.safetensors"));
}

TEST_F(ShardedFolder, Fault16ShardsThatAreNotThereOrLeaveTheFolderAreRefused) {
  index_of_a("m-00003.safetensors");
  expect_refused("shard \"m-00003.safetensors\" cannot be found");
  index_of_a("../outside.safetensors");
  expect_refused("not a path inside the folder");
  index_of_a("sub/../../outside.safetensors");
  expect_refused("not a path inside the folder");
  index_of_a((outer_.path() / "outside.safetensors").string());
  expect_refused("not a path inside the folder");
  index_of_a("");
  expect_refused("not a path inside the folder");
  fs::create_symlink("../outside.safetensors", model() / "link.safetensors");
  index_of_a("link.safetensors");
  expect_refused("a link that leaves the folder");
  fs::create_directory_symlink("..", model() / "up");
  index_of_a("up/outside.safetensors");
  expect_refused("a link that leaves the folder");
}

TEST_F(ShardedFolder, FollowsLinksOfAHuggingFaceCacheToItsBlobs) {
  const fs::path cache = outer_.path() / "models--owner--name";
  fs::create_directories(cache / "snapshots" / "0123");
  fs::create_directories(cache / "blobs");
  fs::copy_file(model() / "m-00001-of-00002.safetensors", cache / "blobs" / "aa");
  fs::create_symlink("../../blobs/aa", cache / "snapshots" / "0123" / "m-00001.safetensors");
  (void)outer_.write("models--owner--name/snapshots/0123/model.safetensors.index.json",
                     R"({"weight_map":{"a":"m-00001.safetensors"}})");
  EXPECT_EQ(Safetensors::open_folder(cache / "snapshots" / "0123").tensors().size(), 1U);
  fs::remove(cache / "snapshots" / "0123" / "m-00001.safetensors");
  fs::create_symlink("../../../outside.safetensors", cache / "snapshots" / "0123" / "m-00001.safetensors");
  EXPECT_THROW((void)Safetensors::open_folder(cache / "snapshots" / "0123"), Error);
}

TEST_F(ShardedFolder, FollowsLinksInsideTheFolder) {
  fs::create_symlink("m-00001-of-00002.safetensors", model() / "link.safetensors");
  index_of_a("link.safetensors");
  EXPECT_EQ(Safetensors::open_folder(model()).tensors().size(), 3U);
}

TEST_F(ShardedFolder, Fault17TensorsTwiceUnindexedOrMissingAreRefused) {
  fs::copy(model() / "m-00001-of-00002.safetensors", model() / "m-00003.safetensors");
  index(R"({"weight_map":{"a":"m-00001-of-00002.safetensors","d":"m-00003.safetensors"}})");
  expect_refused("tensor \"a\" stands in another shard too");
  index(R"({"weight_map":{"a":"m-00001-of-00002.safetensors","b":"m-00002-of-00002.safetensors"}})");
  expect_refused("tensor \"c\" is not in the index's weight_map");
  index(R"({"weight_map":{"a":"m-00001-of-00002.safetensors","e":"m-00001-of-00002.safetensors"}})");
  expect_refused("tensor \"e\" is missing");
  index(
      R"({"weight_map":{"a":"m-00002-of-00002.safetensors","b":"m-00002-of-00002.safetensors","c":"m-00002-of-00002.safetensors"}})");
  expect_refused("tensor \"a\" is missing");
}

TEST_F(ShardedFolder, RefusesABrokenIndex) {
  index(R"({"weight_map":{"a":"x","a":"y"}})");
  expect_refused("key \"a\" stands twice");
  index(R"({"weight_map":{"a":1}})");
  expect_refused("expected a string");
  index(R"({"weight_map":[]})");
  expect_refused("\"weight_map\" is missing or no object");
  index(R"({"weight_map":{}})");
  expect_refused("weight_map is empty");
  index("{");
  expect_refused("JSON is cut off");
  index(std::string(100'000, '['));
  expect_refused("nested too deeply");
  fs::remove(model() / "model.safetensors.index.json");
  expect_refused("no weights here", ErrorKind::not_found);
}

TEST_F(ShardedFolder, TakesASingleFileFirst) {
  fs::copy(outer_.path() / "outside.safetensors", model() / "model.safetensors");
  EXPECT_EQ(Safetensors::open_folder(model()).tensors().size(), 1U);
}

}  // namespace
}  // namespace ifm
