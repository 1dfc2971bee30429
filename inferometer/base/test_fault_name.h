#pragma once
// Helper of tests; no library includes it.

#include <cctype>
#include <string>
#include <string_view>

namespace ifm::test {

/// The name of a test from a fault's label: "7 -1" → "Fault7_Minus1", "3 not UTF-8" → "Fault3_NotUtf8", "no factor" → "NoFactor".
/// A number in front is the fault's in docs/faults.md.
inline std::string fault_name(std::string_view label) {
  std::string name;
  bool begins = true;
  for (std::size_t i = 0; i < label.size(); ++i) {
    const char c = label[i];
    const bool digit = std::isdigit(static_cast<unsigned char>(c)) != 0;
    if (i == 0 && digit) name = "Fault";
    if (std::isalnum(static_cast<unsigned char>(c)) == 0) {
      if (c == '-' && i + 1 < label.size() && std::isdigit(static_cast<unsigned char>(label[i + 1])) != 0 && label[i - 1] == ' ')
        name += "Minus";
      if (c == ' ' && name.starts_with("Fault") && name.find('_') == std::string::npos) name += '_';
      begins = true;
      continue;
    }
    name += begins ? static_cast<char>(std::toupper(static_cast<unsigned char>(c))) : c;
    begins = false;
  }
  return name;
}

}  // namespace ifm::test
