#pragma once

namespace ifm {

/// Lets the process keep large freed blocks for the next ones that it asks for, where the allocator gives each back to the system
/// (glibc): work that makes and drops arrays of many megabytes spends up to a fifth of its time on having their pages cleared.
/// For a program whose end is near; no effect elsewhere.
void keep_freed_memory();

}  // namespace ifm
