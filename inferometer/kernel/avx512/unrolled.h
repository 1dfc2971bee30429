#pragma once

#include <utility>

namespace ifm::avx512 {

template <int N>
struct Index {
  constexpr operator int() const { return N; }  // NOLINT(google-explicit-constructor): it is an index
};

template <typename Body, int... I>
[[gnu::always_inline]] static inline void unrolled_over(const Body& body, std::integer_sequence<int, I...>) {
  (body(Index<I>{}), ...);
}

/// Calls body(0), body(1) … body(N - 1) with constants: an array that is indexed by them stays in registers, where GCC leaves one
/// that a loop indexes in memory.
template <int N, typename Body>
[[gnu::always_inline]] static inline void unrolled(const Body& body) {
  unrolled_over(body, std::make_integer_sequence<int, N>());
}

}  // namespace ifm::avx512
