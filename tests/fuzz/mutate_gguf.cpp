// Walks a GGUF file as far as it makes sense, and changes one of its numbers, one of its strings with its length, or takes out or
// doubles a key or a tensor with its count; so that what follows the first checks is reached, too.
#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include "mutator.h"

namespace {

using namespace ifm;

/// A part of a file.
struct Span {
  std::size_t begin = 0, size = 0;
};

/// Where things stand in a file.
struct Layout {
  std::vector<Span> numbers;  // of 1 to 8 bytes
  std::vector<Span> strings;  // without their length, which stands in the 8 bytes before
  std::vector<Span> keys, tensors;
};

constexpr std::size_t kTensorCountAt = 8, kKeyCountAt = 16, kHead = 24;
constexpr uint32_t kString = 8, kArray = 9;

class Walk {
 public:
  explicit Walk(const std::string& file) : file_(file) {}

  Layout layout() {
    for (const std::size_t size : {4, 4, 8, 8}) (void)number(size);
    if (file_.size() < kHead) return layout_;
    const uint64_t tensors = at<uint64_t>(kTensorCountAt);
    const uint64_t keys = at<uint64_t>(kKeyCountAt);
    for (uint64_t i = 0; i < keys && good_; ++i) part(layout_.keys, [&] { key(); });
    for (uint64_t i = 0; i < tensors && good_; ++i) part(layout_.tensors, [&] { tensor(); });
    return layout_;
  }

 private:
  template <typename T>
  [[nodiscard]] T at(std::size_t place) const {
    T value{};
    std::memcpy(&value, file_.data() + place, sizeof value);
    return value;
  }
  bool take(std::size_t size) {
    if (!good_ || size > file_.size() - at_) return good_ = false;
    at_ += size;
    return true;
  }
  std::optional<uint64_t> number(std::size_t size) {
    if (!take(size)) return std::nullopt;
    layout_.numbers.push_back({at_ - size, size});
    uint64_t value = 0;
    std::memcpy(&value, file_.data() + at_ - size, size);
    return value;
  }
  void string() {
    const auto size = number(8);
    if (size && take(*size)) layout_.strings.push_back({at_ - *size, *size});
  }
  void value(uint64_t type, bool inside_array) {
    constexpr std::array<std::size_t, 13> kSizes{1, 1, 2, 2, 4, 4, 4, 1, 0, 0, 8, 8, 8};
    if (type == kString) return string();
    if (type == kArray && !inside_array) {
      const auto element = number(4);
      const auto count = number(8);
      for (uint64_t i = 0; element && count && i < *count && good_; ++i) value(*element, true);
      return;
    }
    if (type >= kSizes.size() || kSizes[type] == 0)
      good_ = false;
    else
      (void)number(kSizes[type]);
  }
  void key() {
    string();
    if (const auto type = number(4)) value(*type, false);
  }
  void tensor() {
    string();
    const auto rank = number(4);
    for (uint64_t i = 0; rank && i < *rank && good_; ++i) (void)number(8);
    (void)number(4);
    (void)number(8);
  }
  template <typename Read>
  void part(std::vector<Span>& into, const Read& read) {
    const std::size_t begin = at_;
    read();
    if (good_) into.push_back({begin, at_ - begin});
  }

  const std::string& file_;
  Layout layout_;
  std::size_t at_ = 0;
  bool good_ = true;
};

template <typename T>
void write(std::string& file, std::size_t at, T value, std::size_t size = sizeof(T)) {
  std::memcpy(file.data() + at, &value, size);
}

void change_number(Mutator& mutator, std::string& file, const Span& span) {
  uint64_t value = 0;
  std::memcpy(&value, file.data() + span.begin, span.size);
  write(file, span.begin, mutator.number(value), span.size);
}

void change_string(Mutator& mutator, std::string& file, const Span& span) {
  const std::string text = mutator.bytes(file.substr(span.begin, span.size));
  file.replace(span.begin, span.size, text);
  write<uint64_t>(file, span.begin - 8, text.size());
}

void change_count(Mutator& mutator, std::string& file, const Span& span, std::size_t count_at) {
  uint64_t count = 0;
  std::memcpy(&count, file.data() + count_at, sizeof count);
  if (mutator.one_in(2)) {
    file.erase(span.begin, span.size);
    --count;
  } else {
    file.insert(span.begin, file.substr(span.begin, span.size));
    ++count;
  }
  write(file, count_at, count);
}

}  // namespace

extern "C" size_t LLVMFuzzerCustomMutator(uint8_t* data, size_t size, size_t max_size, unsigned seed) {
  Mutator mutator(seed);
  std::string file(reinterpret_cast<const char*>(data), size);
  const Layout layout = Walk(file).layout();
  const auto any = [&](const std::vector<Span>& spans) { return spans[mutator.below(spans.size())]; };
  const std::size_t way = mutator.below(8);
  if (way < 3 && !layout.numbers.empty())
    change_number(mutator, file, any(layout.numbers));
  else if (way < 5 && !layout.strings.empty())
    change_string(mutator, file, any(layout.strings));
  else if (way == 5 && !layout.keys.empty())
    change_count(mutator, file, any(layout.keys), kKeyCountAt);
  else if (way == 6 && !layout.tensors.empty())
    change_count(mutator, file, any(layout.tensors), kTensorCountAt);
  else
    return LLVMFuzzerMutate(data, size, max_size);
  return put(file, data, max_size);
}
