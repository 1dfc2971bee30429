#include "inferometer/format/gguf.h"

#include <functional>
#include <limits>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "inferometer/base/test_fault_name.h"
#include "inferometer/format/gguf_parser.h"
#include "inferometer/format/gguf_value.h"
#include "inferometer/format/gguf_writer.h"
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

constexpr uint64_t kMaxU64 = std::numeric_limits<uint64_t>::max();

std::string text_of(std::string_view text) { return raw(uint64_t{text.size()}) += text; }
std::string typed(GgufType type, const std::string& value) { return raw(type) + value; }
std::string array_of(uint32_t type, uint64_t count, const std::string& values) {
  return raw(GgufType::array) + raw(type) + raw(count) + values;
}
std::string key(std::string_view name, const std::string& value) { return text_of(name) + value; }

// A file in parts, each of which a test may break.
struct RawTensor {
  std::string name;
  std::vector<uint64_t> dims;  // innermost first
  uint32_t type = 0;
  uint64_t offset = 0;
  uint32_t rank = 99;  // 99: as many as dims
};
struct RawGguf {
  uint32_t magic = 0x46554747;
  uint32_t version = 3;
  uint64_t extra_tensors = 0;  // added to the true counts, modulo 2^64
  uint64_t extra_keys = 0;
  std::vector<std::string> keys = {key("general.architecture", typed(GgufType::string, text_of("llama"))),
                                   key("n", typed(GgufType::u32, raw(uint32_t{7})))};
  std::vector<RawTensor> tensors = {{"a", {8, 2}, 0, 0}, {"b", {32, 1}, 8, 64}};  // 64 bytes F32, 34 bytes Q8_0
  std::size_t alignment = 32;
  std::size_t data_bytes = 128;

  [[nodiscard]] std::string bytes() const {
    std::string out = raw(magic) + raw(version) + raw(tensors.size() + extra_tensors) + raw(keys.size() + extra_keys);
    for (const std::string& entry : keys) out += entry;
    for (const RawTensor& t : tensors) {
      out += text_of(t.name) + raw(t.rank == 99 ? static_cast<uint32_t>(t.dims.size()) : t.rank);
      for (const uint64_t dim : t.dims) out += raw(dim);
      out += raw(t.type) + raw(t.offset);
    }
    out.append((alignment - out.size() % alignment) % alignment, '\0');
    return out.append(data_bytes, 'd');
  }
};

GgufContent parse(const std::string& file) { return parse_gguf(bytes_of_text(file), "f.gguf"); }

TEST(Gguf, ReadsVersions2And3) {
  for (const uint32_t version : {2U, 3U}) {
    RawGguf good;
    good.version = version;
    const std::string file = good.bytes();
    const GgufContent content = parse(file);
    EXPECT_EQ(content.version, static_cast<int>(version));
    ASSERT_EQ(content.tensors.size(), 2U);
    EXPECT_EQ(content.tensors[0].name, "a");
    EXPECT_THAT(content.tensors[0].shape, testing::ElementsAre(2, 8));  // outermost first
    EXPECT_EQ(content.tensors[1].dtype, DType::q8_0);
    EXPECT_EQ(content.tensors[1].bytes.size(), 34U);
    EXPECT_EQ(reinterpret_cast<const char*>(content.tensors[1].bytes.data()) - file.data(),
              static_cast<std::ptrdiff_t>(file.size() - 64));
    EXPECT_EQ(std::get<std::string>(content.metadata.at("general.architecture")), "llama");
    EXPECT_EQ(std::get<uint64_t>(content.metadata.at("n")), 7U);
  }
}

TEST(Gguf, RejectsEveryTruncatedPrefixAndExtraBytes) {
  RawGguf good;
  good.data_bytes = 64 + 34;  // without the last padding, which llama.cpp does not ask for either
  const std::string file = good.bytes();
  EXPECT_EQ(parse(file).tensors.size(), 2U);
  for (std::size_t length = 0; length < file.size(); ++length) {
    expect_error([&] { (void)parse(file.substr(0, length)); }, ErrorKind::invalid_data,
                 "f.gguf: ", fmt::format("{} bytes", length));
  }
  good.data_bytes = 129;
  expect_error([&] { (void)parse(good.bytes()); }, ErrorKind::invalid_data, "31 bytes after the last tensor", "extra");
  good.tensors.clear();
  good.data_bytes = 1;
  expect_error([&] { (void)parse(good.bytes()); }, ErrorKind::invalid_data, "1 bytes after the header", "extra, no tensors");
}

struct Fault {
  const char* label;  // number in docs/faults.md
  std::function<void(RawGguf&)> breaking;
  const char* message;
  ErrorKind kind = ErrorKind::invalid_data;
};

class GgufRefuses : public testing::TestWithParam<Fault> {};

TEST_P(GgufRefuses, SayingWhatIsWrong) {
  const Fault& fault = GetParam();
  RawGguf file;
  fault.breaking(file);
  expect_error([&] { (void)parse(file.bytes()); }, fault.kind, fault.message, fault.label);
}

std::string name_of(const testing::TestParamInfo<Fault>& row) { return fault_name(row.param.label); }

INSTANTIATE_TEST_SUITE_P(
    HeaderFaults, GgufRefuses,
    testing::ValuesIn(std::vector<Fault>{
        {"36 magic", [](RawGguf& f) { f.magic = 0x46554748; }, "magic at byte 0 is 0x46554748"},
        {"36 version 1", [](RawGguf& f) { f.version = 1; }, "version at byte 4 is 1 (expected 2 or 3)"},
        {"36 version 4", [](RawGguf& f) { f.version = 4; }, "version at byte 4 is 4"},
        {"36 version 0", [](RawGguf& f) { f.version = 0; }, "version at byte 4 is 0"},
        {"36 byte-swapped", [](RawGguf& f) { f.version = 3U << 24; }, "byte-swapped"},
        {"37 tensors -1", [](RawGguf& f) { f.extra_tensors = kMaxU64 - 2; }, "tensor count at byte 8 is 18446744073709551615"},
        {"37 tensors 2^62", [](RawGguf& f) { f.extra_tensors = uint64_t{1} << 62; }, "tensor count at byte 8"},
        {"37 keys -1", [](RawGguf& f) { f.extra_keys = kMaxU64 - 2; }, "metadata count at byte 16"},
        {"37 keys 2^62", [](RawGguf& f) { f.extra_keys = uint64_t{1} << 62; }, "metadata count at byte 16"},
        {"51 one tensor more", [](RawGguf& f) { f.extra_tensors = 1; }, "f.gguf: "},
        {"51 one key more", [](RawGguf& f) { f.extra_keys = 1; }, "f.gguf: "},
        {"52 split part", [](RawGguf& f) { f.keys.push_back(key("split.count", typed(GgufType::u16, raw(uint16_t{3})))); },
         "one of 3 parts", ErrorKind::unsupported},
        {"52 split.count text", [](RawGguf& f) { f.keys.push_back(key("split.count", typed(GgufType::string, text_of("3")))); },
         "split.count is no unsigned integer"},
        {"47 duplicate key", [](RawGguf& f) { f.keys.push_back(f.keys[1]); }, "metadata key \"n\" stands twice"},
        {"47 duplicate tensor", [](RawGguf& f) { f.tensors[1].name = "a"; }, "tensor \"a\" stands twice"},
        {"empty key", [](RawGguf& f) { f.keys.push_back(key("", typed(GgufType::u8, "1"))); }, "metadata key 2 has 0 bytes"},
        {"long key", [](RawGguf& f) { f.keys.push_back(key(std::string(65536, 'k'), typed(GgufType::u8, "1"))); },
         "has 65536 bytes"},
        {"empty tensor name", [](RawGguf& f) { f.tensors[1].name = ""; }, "tensor 1 has no name"},
    }),
    name_of);

TEST(Gguf, Fault47AMillionKeysAreRefusedAtOnce) {
  RawGguf file;
  file.keys.clear();
  for (int i = 0; i < 1'000'000; ++i) file.keys.push_back(key(fmt::format("{}", i), typed(GgufType::u8, "1")));
  expect_error([&] { (void)parse(file.bytes()); }, ErrorKind::invalid_data, "metadata count is 1000000 (expected at most 65536)",
               "keys");
}

void add(RawGguf& file, const std::string& value) { file.keys.push_back(key("k", value)); }
void align(RawGguf& file, const std::string& value) { file.keys.push_back(key("general.alignment", value)); }

INSTANTIATE_TEST_SUITE_P(
    MetadataFaults, GgufRefuses,
    testing::ValuesIn(std::vector<Fault>{
        {"38 string 2^64-1", [](RawGguf& f) { add(f, typed(GgufType::string, raw(kMaxU64))); },
         "is cut off (expected 18446744073709551615 bytes"},
        {"38 string 2^64-8", [](RawGguf& f) { add(f, typed(GgufType::string, raw(kMaxU64 - 7))); }, "is cut off"},
        {"38 key 2^64-8", [](RawGguf& f) { f.keys.push_back(raw(kMaxU64 - 7)); }, "metadata key at byte"},
        {"38 string in array", [](RawGguf& f) { add(f, array_of(8, 1, raw(kMaxU64 - 7))); }, "is cut off"},
        {"39 count wraps", [](RawGguf& f) { add(f, array_of(10, (uint64_t{1} << 61) + 1, raw(uint64_t{1}))); },
         "metadata array length at byte"},
        {"39 count of bytes", [](RawGguf& f) { add(f, array_of(0, kMaxU64, "1")); }, "metadata array length at byte"},
        {"39 count of strings", [](RawGguf& f) { add(f, array_of(8, uint64_t{1} << 62, "")); }, "metadata array length at byte"},
        {"39 nested", [](RawGguf& f) { add(f, array_of(9, 1, array_of(0, 0, ""))); }, "key \"k\" at byte 103: array of arrays"},
        {"39 element type 13", [](RawGguf& f) { add(f, array_of(13, 0, "")); }, "array element type 13 is unknown"},
        {"39 value type 13", [](RawGguf& f) { add(f, raw(uint32_t{13})); }, "value type 13 is unknown"},
        {"39 value type -1", [](RawGguf& f) { add(f, raw(std::numeric_limits<uint32_t>::max())); },
         "value type 4294967295 is unknown"},
        {"boolean 2", [](RawGguf& f) { add(f, typed(GgufType::boolean, "\2")); }, "boolean is 2"},
        {"u64 above i64", [](RawGguf& f) { add(f, array_of(10, 1, raw(kMaxU64))); }, "is too large"},
        {"46 alignment 0", [](RawGguf& f) { align(f, typed(GgufType::u32, raw(uint32_t{0}))); }, "general.alignment is 0"},
        {"46 alignment 3", [](RawGguf& f) { align(f, typed(GgufType::u32, raw(uint32_t{3}))); }, "general.alignment is 3"},
        {"46 alignment 2^31", [](RawGguf& f) { align(f, typed(GgufType::u32, raw(uint32_t{1} << 31))); },
         "general.alignment is 2147483648"},
        {"46 alignment u64", [](RawGguf& f) { align(f, typed(GgufType::u64, raw(uint64_t{32}))); },
         "has value type 10 (expected 4, u32)"},
        {"46 alignment text", [](RawGguf& f) { align(f, typed(GgufType::string, text_of("32"))); }, "has value type 8"},
        {"42 padding past the end",
         [](RawGguf& f) {
           align(f, typed(GgufType::u32, raw(uint32_t{65536})));
           f.data_bytes = 0;
         },
         "padding before the data at byte 65536"},
    }),
    name_of);

INSTANTIATE_TEST_SUITE_P(
    TensorFaults, GgufRefuses,
    testing::ValuesIn(std::vector<Fault>{
        {"40 rank 5", [](RawGguf& f) { f.tensors[0].rank = 5; }, "tensor \"a\" has 5 dimensions (expected at most 4)"},
        {"40 rank 2^32-1", [](RawGguf& f) { f.tensors[0].rank = 0xFFFFFFFF; }, "4294967295 dimensions"},
        {"41 product wraps to 0",
         [](RawGguf& f) {
           f.tensors[0].dims = {uint64_t{1} << 32, uint64_t{1} << 32};
         },
         "dimensions that overflow"},
        {"41 wraps behind a 0",
         [](RawGguf& f) {
           f.tensors[0].dims = {0, uint64_t{1} << 32, uint64_t{1} << 32};
         },
         "dimensions that overflow"},
        {"41 dimension -1", [](RawGguf& f) { f.tensors[0].dims = {kMaxU64}; }, "dimensions that overflow"},
        {"43 bytes wrap", [](RawGguf& f) { f.tensors[0].dims = {uint64_t{1} << 62}; }, "size that overflows"},
        {"43 sum past the end", [](RawGguf& f) { f.tensors[0].dims = {uint64_t{1} << 60}; }, "ends past the end of the file"},
        {"44 type 4 was removed", [](RawGguf& f) { f.tensors[0].type = 4; }, "tensor \"a\" has unknown type 4"},
        {"44 type 31 was removed", [](RawGguf& f) { f.tensors[0].type = 31; }, "unknown type 31"},
        {"44 type 42", [](RawGguf& f) { f.tensors[0].type = 42; }, "unknown type 42"},
        {"44 type -1", [](RawGguf& f) { f.tensors[0].type = 0xFFFFFFFF; }, "unknown type 4294967295"},
        {"44 IQ4_NL", [](RawGguf& f) { f.tensors[0].type = 20; }, "tensor \"a\" has type IQ4_NL, which is not supported",
         ErrorKind::unsupported},
        {"44 MXFP4", [](RawGguf& f) { f.tensors[0].type = 39; }, "type MXFP4", ErrorKind::unsupported},
        {"44 row no multiple",
         [](RawGguf& f) {
           f.tensors[1].dims = {16, 2};
         },
         "rows of 16 (expected a multiple of 32 for q8_0)"},
        {"44 row no multiple of a super-block", [](RawGguf& f) { f.tensors[1].type = 12; },
         "rows of 32 (expected a multiple of 256 for q4_k)"},
        {"45 misaligned", [](RawGguf& f) { f.tensors[1].offset = 65; }, "tensor \"b\" has offset 65 (expected 64"},
        {"45 overlap", [](RawGguf& f) { f.tensors[1].offset = 32; }, "has offset 32 (expected 64"},
        {"45 hole", [](RawGguf& f) { f.tensors[1].offset = 96; }, "has offset 96"},
        {"45 wraps", [](RawGguf& f) { f.tensors[1].offset = kMaxU64 - 31; }, "has offset 18446744073709551584"},
        {"45 first not at 0", [](RawGguf& f) { f.tensors[0].offset = 32; }, "tensor \"a\" has offset 32 (expected 0"},
        {"45 past the end", [](RawGguf& f) { f.data_bytes = 97; },
         "tensor \"b\" ends past the end of the file (expected 98 data bytes, got 97)"},
    }),
    name_of);

TEST(Gguf, HonoursItsAlignment) {
  RawGguf file;
  align(file, typed(GgufType::u32, raw(uint32_t{128})));
  file.alignment = 128;
  file.tensors[1].offset = 128;
  file.data_bytes = 128 + 34;
  EXPECT_EQ(parse(file.bytes()).tensors[1].bytes.size(), 34U);
}

TEST(Gguf, AcceptsMetadataAloneAndIntegerTensors) {
  RawGguf file;
  file.tensors.clear();
  file.data_bytes = 0;
  EXPECT_EQ(parse(file.bytes()).metadata.size(), 2U);
  file.tensors = {{"i", {4}, 26, 0}};
  file.data_bytes = 16;
  EXPECT_EQ(parse(file.bytes()).tensors[0].dtype, DType::i32);
}

class WrittenGguf : public testing::Test {
 protected:
  void write(const std::vector<GgufEntry>& metadata, const std::vector<TensorToWrite>& tensors) {
    path_ = folder_.path() / "x.gguf";
    write_gguf(path_, metadata, tensors);
  }
  TempFolder folder_;
  fs::path path_;
};

TEST_F(WrittenGguf, RoundTripKeepsEverything) {
  using Type = GgufEntry::Type;
  const std::vector<GgufEntry> metadata = {{"u", Type::u32, uint64_t{4'000'000'000}},
                                           {"i", Type::i32, int64_t{-5}},
                                           {"f", Type::f32, 0.1},
                                           {"b", Type::boolean, true},
                                           {"t", Type::text, std::string("a\0b", 3)},
                                           {"ts", Type::texts, std::vector<std::string>{"x", "", "yz"}},
                                           {"is", Type::i32s, std::vector<int64_t>{1, -2}},
                                           {"fs", Type::f32s, std::vector<double>{0.5, -1.0}}};
  const std::vector<TensorToWrite> tensors = {tensor("q", DType::q4_0, {3, 64}, 1), tensor("odd", DType::f16, {5}, 2),
                                              tensor("k", DType::q6_k, {2, 2, 256}, 3), tensor("n", DType::f32, {2}, 4)};
  write(metadata, tensors);
  const GgufFile file = GgufFile::open(path_);
  EXPECT_EQ(file.version(), 3);
  EXPECT_EQ(file.integer("u"), 4'000'000'000);
  EXPECT_EQ(file.integer("i"), -5);
  EXPECT_EQ(file.number("f"), double{0.1F});
  EXPECT_EQ(file.boolean("b"), true);
  EXPECT_EQ(*file.text("t"), std::string("a\0b", 3));
  EXPECT_THAT(*file.texts("ts"), testing::ElementsAre("x", "", "yz"));
  EXPECT_THAT(*file.integers("is"), testing::ElementsAre(1, -2));
  EXPECT_THAT(*file.numbers("fs"), testing::ElementsAre(0.5, -1.0));
  ASSERT_EQ(file.tensors().size(), tensors.size());
  for (const TensorToWrite& written : tensors) {
    const TensorView* view = file.find(written.name);
    ASSERT_NE(view, nullptr) << written.name;
    EXPECT_EQ(view->dtype, written.dtype);
    EXPECT_EQ(view->shape, written.shape);
    EXPECT_THAT(view->bytes, testing::ElementsAreArray(written.produce()));
    EXPECT_EQ(reinterpret_cast<uintptr_t>(view->bytes.data()) % 32, 0U);
  }
  EXPECT_EQ(file.find("none"), nullptr);
}

TEST_F(WrittenGguf, Fault48GettersTellAbsentFromWrong) {
  using Type = GgufEntry::Type;
  write({{"u", Type::u32, uint64_t{1}}, {"f", Type::f32, 1.0}, {"scores", Type::i32s, std::vector<int64_t>{1}}}, {});
  const GgufFile file = GgufFile::open(path_);
  EXPECT_EQ(file.integer("none"), std::nullopt);
  EXPECT_EQ(file.number("none"), std::nullopt);
  EXPECT_EQ(file.boolean("none"), std::nullopt);
  EXPECT_EQ(file.text("none"), nullptr);
  EXPECT_EQ(file.numbers("none"), nullptr);
  const auto refused = [](const std::function<void()>& action, const char* part) {
    expect_error(action, ErrorKind::invalid_data, part, part);
  };
  refused([&] { (void)file.integer("f"); }, "metadata key \"f\" has another type (expected an integer)");
  refused([&] { (void)file.number("u"); }, "expected a floating-point number");
  refused([&] { (void)file.boolean("u"); }, "expected a boolean");
  refused([&] { (void)file.text("u"); }, "expected a string");
  refused([&] { (void)file.texts("u"); }, "expected an array of strings");
  refused([&] { (void)file.integers("u"); }, "expected an array of integers");
  refused([&] { (void)file.numbers("scores"); }, "expected an array of floating-point numbers");
}

TEST_F(WrittenGguf, AFileFromElsewhereIsNamed) {
  expect_error([&] { (void)GgufFile::open(folder_.write("empty.gguf", "")); }, ErrorKind::invalid_data, "empty.gguf: GGUF magic",
               "empty");
  expect_error([&] { (void)GgufFile::open(folder_.path() / "none.gguf"); }, ErrorKind::not_found, "none.gguf", "absent");
}

}  // namespace
}  // namespace ifm
