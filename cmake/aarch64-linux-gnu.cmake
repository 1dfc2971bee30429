# Cross-compiles for 64-bit Arm Linux and runs what it built under qemu-user. tools/arm.sh makes the sysroot: libraries and headers of
# that processor in a folder of their own, so that the machine's own packages stay as they are.
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR aarch64)
if(NOT CMAKE_CXX_COMPILER)
  set(CMAKE_CXX_COMPILER aarch64-linux-gnu-g++)
endif()
set(CMAKE_CXX_COMPILER_TARGET aarch64-linux-gnu)  # for clang
set(CMAKE_LIBRARY_ARCHITECTURE aarch64-linux-gnu)

set(IFM_ARM_SYSROOT ${CMAKE_CURRENT_LIST_DIR}/../build/aarch64-sysroot CACHE PATH "Libraries and headers for aarch64")
get_filename_component(CMAKE_SYSROOT "${IFM_ARM_SYSROOT}" ABSOLUTE)
list(APPEND CMAKE_TRY_COMPILE_PLATFORM_VARIABLES IFM_ARM_SYSROOT)

set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
set(CMAKE_FIND_ROOT_PATH_MODE_LIBRARY ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_INCLUDE ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_PACKAGE ONLY)
set(ENV{PKG_CONFIG_SYSROOT_DIR} ${CMAKE_SYSROOT})
set(ENV{PKG_CONFIG_LIBDIR} ${CMAKE_SYSROOT}/usr/lib/aarch64-linux-gnu/pkgconfig:${CMAKE_SYSROOT}/usr/share/pkgconfig)
unset(ENV{PKG_CONFIG_PATH})

find_program(IFM_QEMU qemu-aarch64)
if(IFM_QEMU)
  set(CMAKE_CROSSCOMPILING_EMULATOR ${IFM_QEMU} -L ${CMAKE_SYSROOT})
endif()
