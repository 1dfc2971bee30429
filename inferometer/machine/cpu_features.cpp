#include "inferometer/machine/cpu_features.h"

#if defined(__x86_64__)
#include <cpuid.h>
#elif defined(__aarch64__) && defined(__APPLE__)
#include <sys/sysctl.h>
#elif defined(__aarch64__)
#include <sys/auxv.h>
#endif

namespace ifm {
namespace {

void add(std::string& features, bool there, const char* name) {
  if (!there) return;
  if (!features.empty()) features += ' ';
  features += name;
}

}  // namespace

#if defined(__x86_64__)

namespace {

/// Half-precision conversions, which clang 14's __builtin_cpu_supports does not know; AVX is asked for apart.
bool has_f16c() {
  unsigned int a = 0;
  unsigned int b = 0;
  unsigned int c = 0;
  unsigned int d = 0;
  return __get_cpuid(1, &a, &b, &c, &d) != 0 && (c & bit_F16C) != 0;
}

/// Dots of bytes on 256 bits without AVX-512: leaf 7, subleaf 1, EAX bit 4. Source: Intel's instruction set extensions reference.
bool has_avx_vnni() {
  unsigned int a = 0;
  unsigned int b = 0;
  unsigned int c = 0;
  unsigned int d = 0;
  return __get_cpuid_count(7, 0, &a, &b, &c, &d) != 0 && a >= 1 && __get_cpuid_count(7, 1, &a, &b, &c, &d) != 0 &&
         (a >> 4 & 1) != 0;
}

}  // namespace

std::string cpu_features() {
  __builtin_cpu_init();
  std::string features;
  // The compiler's run-time library asks both the processor and, by XGETBV, the operating system.
  add(features, __builtin_cpu_supports("avx") != 0, "avx");
  add(features, __builtin_cpu_supports("avx2") != 0, "avx2");
  add(features, __builtin_cpu_supports("fma") != 0, "fma");
  add(features, __builtin_cpu_supports("avx") != 0 && has_f16c(), "f16c");
  add(features, __builtin_cpu_supports("avx2") != 0 && has_avx_vnni(), "avx_vnni");
  add(features, __builtin_cpu_supports("avx512f") != 0, "avx512f");
  add(features, __builtin_cpu_supports("avx512bw") != 0, "avx512bw");
  add(features, __builtin_cpu_supports("avx512dq") != 0, "avx512dq");
  add(features, __builtin_cpu_supports("avx512vl") != 0, "avx512vl");
  add(features, __builtin_cpu_supports("avx512vbmi") != 0, "avx512_vbmi");
  add(features, __builtin_cpu_supports("avx512vnni") != 0, "avx512_vnni");
  add(features, __builtin_cpu_supports("avx512bf16") != 0, "avx512_bf16");
  return features;
}

#elif defined(__aarch64__) && defined(__APPLE__)

std::string cpu_features() {
  const auto has = [](const char* key) {
    int value = 0;
    size_t size = sizeof value;
    return sysctlbyname(key, &value, &size, nullptr, 0) == 0 && value != 0;
  };
  std::string features = "neon";
  add(features, has("hw.optional.arm.FEAT_FP16"), "fp16");
  add(features, has("hw.optional.arm.FEAT_DotProd"), "dotprod");
  add(features, has("hw.optional.arm.FEAT_I8MM"), "i8mm");
  add(features, has("hw.optional.arm.FEAT_BF16"), "bf16");
  return features;
}

#elif defined(__aarch64__)

std::string cpu_features() {
  // Bits of AT_HWCAP and AT_HWCAP2. Source: Linux arch/arm64/include/uapi/asm/hwcap.h.
  const unsigned long caps = getauxval(AT_HWCAP);
  const unsigned long caps2 = getauxval(AT_HWCAP2);
  std::string features = "neon";
  add(features, (caps >> 10 & 1) != 0, "fp16");
  add(features, (caps >> 20 & 1) != 0, "dotprod");
  add(features, (caps2 >> 13 & 1) != 0, "i8mm");
  add(features, (caps2 >> 14 & 1) != 0, "bf16");
  return features;
}

#else

std::string cpu_features() { return {}; }

#endif

}  // namespace ifm
