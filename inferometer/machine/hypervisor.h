#pragma once

#include <string>

namespace ifm {

/// Who runs this virtual machine, as the processor's identification says it ("KVM", "Microsoft Hyper-V"); empty when unknown.
[[nodiscard]] std::string hypervisor_name();

}  // namespace ifm
