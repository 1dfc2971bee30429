#pragma once
// Helper of tests; no library includes it.

#include <algorithm>
#include <cstdio>
#include <map>
#include <string>

namespace ifm::test {

/// Keeps the largest NMSE of each kind of kernel, which are printed when the tests are over, and gives the value back.
inline double noted(const std::string& kind, double nmse) {
  struct Largest {
    std::map<std::string, double> of;
    Largest() = default;
    Largest(const Largest&) = delete;
    Largest& operator=(const Largest&) = delete;
    ~Largest() {
      for (const auto& [kind, value] : of) std::printf("largest NMSE against double, %s: %.2g\n", kind.c_str(), value);
    }
  };
  static Largest largest;
  double& most = largest.of.emplace(kind, nmse).first->second;
  most = std::max(most, nmse);
  return nmse;
}

}  // namespace ifm::test
