#include "inferometer/machine/hypervisor.h"

#if defined(__x86_64__)
#include <cpuid.h>
#endif

#include <cstring>

namespace ifm {

#if defined(__x86_64__)

std::string hypervisor_name() {
  unsigned eax = 0;
  unsigned ebx = 0;
  unsigned ecx = 0;
  unsigned edx = 0;
  if (__get_cpuid(1, &eax, &ebx, &ecx, &edx) == 0 || (ecx >> 31U & 1U) == 0) return {};
  // Leaf 0x40000000 is reserved for the hypervisor's signature. Source: Linux arch/x86/kernel/cpu/hypervisor.c.
  __cpuid(0x40000000, eax, ebx, ecx, edx);
  char signature[13] = {};
  std::memcpy(signature, &ebx, 4);
  std::memcpy(signature + 4, &ecx, 4);
  std::memcpy(signature + 8, &edx, 4);
  const std::string name = signature;
  if (name == "KVMKVMKVM") return "KVM";
  if (name == "Microsoft Hv") return "Microsoft Hyper-V";
  if (name == "VMwareVMware") return "VMware";
  if (name == "XenVMMXenVMM") return "Xen";
  return {};
}

#else

std::string hypervisor_name() { return {}; }

#endif

}  // namespace ifm
