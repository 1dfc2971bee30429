#include "inferometer/record/varint.h"

#include "inferometer/base/error.h"

namespace ifm {

void append_varint(std::string& bytes, uint64_t value) {
  while (value >= 0x80) {
    bytes += static_cast<char>(value | 0x80U);
    value >>= 7U;
  }
  bytes += static_cast<char>(value);
}

uint64_t take_rest_of_varint(std::string_view& bytes, uint64_t value, unsigned shift) {
  for (; shift < 64 && !bytes.empty(); shift += 7) {
    const auto byte = static_cast<uint8_t>(bytes.front());
    bytes.remove_prefix(1);
    if (shift == 63 && byte > 1) break;
    value |= uint64_t{byte & 0x7FU} << shift;
    if (byte < 0x80) return value;
  }
  fail(ErrorKind::invalid_data, "varint: cut or longer than 64 bits");
}

}  // namespace ifm
