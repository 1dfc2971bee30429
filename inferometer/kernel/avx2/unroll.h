#pragma once

namespace ifm::avx2 {

#define IFM_INLINE __attribute__((always_inline)) inline
#define IFM_INLINE_LAMBDA __attribute__((always_inline))

/// A number that is known when a function is compiled.
template <int N>
struct Constant {
  static constexpr int kValue = N;
  constexpr operator int() const { return N; }  // NOLINT(google-explicit-constructor): it stands for the number
};

/// Calls body(Constant<0>) … body(Constant<N - 1>). A loop would do, but for compilers that keep arrays in memory which loops
/// index; so body should be IFM_INLINE_LAMBDA.
template <int N, typename Body>
static IFM_INLINE void unroll(const Body& body) {
  if constexpr (N > 0) {
    unroll<N - 1>(body);
    body(Constant<N - 1>{});
  }
}

}  // namespace ifm::avx2
