// Changes the header's text, a number of it or the data, and most often lets length and data fit again, so that what follows the
// first checks is reached, too.
#include <algorithm>
#include <charconv>
#include <string>
#include <string_view>
#include <vector>

#include "mutator.h"

namespace {

using namespace ifm;

struct Number {
  std::size_t begin = 0, size = 0;
  uint64_t value = 0;
};

std::vector<Number> numbers_in(std::string_view text) {
  std::vector<Number> found;
  for (std::size_t at = 0; at < text.size();) {
    Number number{.begin = at};
    const auto [end, error] = std::from_chars(text.data() + at, text.data() + text.size(), number.value);
    number.size = static_cast<std::size_t>(end - (text.data() + at));
    if (number.size > 0) found.push_back(number);
    at += std::max<std::size_t>(number.size, 1);
  }
  return found;
}

/// Doubles or takes out one of the objects between braces.
std::string move_object(Mutator& mutator, std::string header) {
  const std::size_t begin = header.find("\"", mutator.below(header.size()));
  if (begin == std::string::npos) return header;
  const std::size_t end = header.find("}", begin);
  if (end == std::string::npos) return header;
  const std::string object = header.substr(begin, end + 1 - begin);
  return mutator.one_in(2) ? header.insert(begin, object + ",") : header.erase(begin, object.size());
}

std::string changed_header(Mutator& mutator, std::string header) {
  const std::vector<Number> numbers = numbers_in(header);
  const std::size_t way = mutator.below(8);
  if (way < 4 && !numbers.empty()) {
    const Number& number = numbers[mutator.below(numbers.size())];
    return header.replace(number.begin, number.size, std::to_string(mutator.number(number.value)));
  }
  if (way == 4 && !header.empty()) return move_object(mutator, header);
  return mutator.bytes(header);
}

}  // namespace

extern "C" size_t LLVMFuzzerCustomMutator(uint8_t* data, size_t size, size_t max_size, unsigned seed) {
  Mutator mutator(seed);
  if (size < 9 || mutator.one_in(8)) return LLVMFuzzerMutate(data, size, max_size);
  uint64_t length = 0;
  std::memcpy(&length, data, sizeof length);
  length = std::min<uint64_t>(length, size - 8);
  std::string header(reinterpret_cast<const char*>(data) + 8, length);
  std::string rest(reinterpret_cast<const char*>(data) + 8 + length, size - 8 - length);
  header = changed_header(mutator, header);
  if (!mutator.one_in(4)) {
    // The data end where one of the header's numbers says, most often the last offset.
    const std::vector<Number> numbers = numbers_in(header);
    uint64_t end = 0;
    for (const Number& number : numbers) {
      if (number.value < max_size) end = std::max(end, number.value);
    }
    if (!numbers.empty() && mutator.one_in(2)) end = numbers.back().value;
    if (end < max_size) rest.resize(end);
  }
  length = mutator.one_in(16) ? mutator.number(header.size()) : header.size();
  std::string result(8, '\0');
  std::memcpy(result.data(), &length, sizeof length);
  return put(result + header + rest, data, max_size);
}
