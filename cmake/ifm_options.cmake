# Flags that every target of ours is built with: the interface target ifm_options.
add_library(ifm_options INTERFACE)
target_include_directories(ifm_options INTERFACE ${PROJECT_SOURCE_DIR})
target_compile_features(ifm_options INTERFACE cxx_std_20)
target_compile_options(ifm_options INTERFACE -Wall -Wextra -Wpedantic -Wshadow -Wnon-virtual-dtor -Wold-style-cast
  -Wcast-align -Woverloaded-virtual -Wno-missing-field-initializers -fno-omit-frame-pointer
  # The same source must give the same bits with every compiler: no contraction behind the kernels' back.
  -ffp-contract=off)
if(IFM_WERROR)
  target_compile_options(ifm_options INTERFACE -Werror)
endif()
if(IFM_SANITIZE)
  target_compile_options(ifm_options INTERFACE -fsanitize=${IFM_SANITIZE} -fno-sanitize-recover=all)
  target_link_options(ifm_options INTERFACE -fsanitize=${IFM_SANITIZE})
endif()
if(IFM_FUZZ)
  target_compile_options(ifm_options INTERFACE -fsanitize=fuzzer-no-link)
  target_link_options(ifm_options INTERFACE -fsanitize=fuzzer-no-link)
endif()
if(NOT IFM_SANITIZE AND CMAKE_BUILD_TYPE STREQUAL "Release")
  target_compile_definitions(ifm_options INTERFACE $<$<NOT:$<BOOL:${APPLE}>>:_FORTIFY_SOURCE=2>)
endif()
target_compile_options(ifm_options INTERFACE -fstack-protector-strong)

find_program(IFM_CCACHE ccache)
if(IFM_CCACHE)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${IFM_CCACHE})
endif()
find_package(Threads REQUIRED)
